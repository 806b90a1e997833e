import { UserError } from '../../errors.ts';
import type { Consistency } from '../../ports.ts';
import { type Tensor1D, type Tensor4D, tidy } from '../tf.ts';

/** A kind of condition: how it is detected in an image, drawn as a condition image, and compared. */
export interface Detector {
  readonly name: string;
  /** Of its weights. */
  readonly bytes: number;
  readonly metric: Consistency['metric'];
  /** Images [N, H, W, 3] -> the detection [N, H, W, C], differentiable. The caller owns it, and all results below. */
  detect(pixels: Tensor4D): Tensor4D;
  /** A detection -> the target that others are compared with; the same, where absent. */
  settle?(seen: Tensor4D): Tensor4D;
  /** A condition image [N, H, W, 3] -> a target [N, H, W, C]. */
  read(condition: Tensor4D): Tensor4D;
  /** A detection -> a condition image [N, H, W, 3] in [0, 1]. */
  draw(seen: Tensor4D): Tensor4D;
  /** [N], 0 and up. */
  loss(seen: Tensor4D, target: Tensor4D): Tensor1D;
  measure(seen: Tensor4D, target: Tensor4D): Tensor1D;
  dispose(): void;
}

/** What a condition input holds: the map itself, or an image whose map is to be kept. */
export type Given = 'map' | 'image';

/**
 * A detector as a function on wires; it owns the detector. Its functions throw UserError `SIZES_DIFFER` or `ROWS_DIFFER`
 * where the condition image does not fit the images. Source: arXiv 2404.07987 (ControlNet++), equation 4
 */
export function createConsistency(detector: Detector, given: Given): Consistency {
  const { name, bytes, metric, detect, settle, read, draw, loss, measure } = detector;
  const target = (condition: Tensor4D): Tensor4D => {
    if (given === 'map') return read(condition);
    return settle ? settle(detect(condition)) : detect(condition);
  };
  const compare =
    (by: typeof loss) =>
    (pixels: Tensor4D, condition: Tensor4D): Tensor1D => {
      requireFit(name, pixels.shape, condition.shape);
      return tidy(() => by(detect(pixels), target(condition)));
    };
  return {
    name,
    bytes,
    metric,
    differentiable: true,
    map: (pixels) => tidy(() => draw(detect(pixels))),
    loss: compare(loss),
    measure: compare(measure),
    dispose: () => detector.dispose(),
  };
}

function requireFit(name: string, images: readonly number[], condition: readonly number[]): void {
  const [[rows, height, width], [conditions, tall, wide]] = [images, condition];
  if (height !== tall || width !== wide)
    throw new UserError(
      'SIZES_DIFFER',
      `For ${name}, the condition image is ${wide}x${tall} and the images are ${width}x${height}; make them of one size.`,
    );
  if (conditions !== 1 && conditions !== rows)
    throw new UserError(
      'ROWS_DIFFER',
      `For ${name}, there are ${conditions} condition images for ${rows} images; give one for all, or one for each.`,
    );
}
