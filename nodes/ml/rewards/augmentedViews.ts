import { randomStream } from '../random.ts';
import { add, concat, slice, type Tensor4D, tensor4d, tidy, tile } from '../tf.ts';

interface ViewSettings {
  readonly views: number;
  /** The most that a view is shifted, as a share of each side, in [0, 0.5]. */
  readonly shift: number;
  /** Standard deviation of the noise that is added, in the units of pixels. */
  readonly noise: number;
  readonly seed: number;
}

/** The shift and noise that a view adds to every image of H x W pixels. */
export interface View {
  /** Whole pixels down and to the right. */
  readonly shift: readonly [down: number, right: number];
  /** H * W * 3 numbers that are added. */
  readonly noise: Float32Array;
}

/** The views of images of one size, drawn from the seed alone: they are the same for all images and at every evaluation. */
export function drawViews([height, width]: readonly [number, number], settings: ViewSettings): View[] {
  const random = randomStream(settings.seed);
  const upTo = (side: number) => {
    const most = Math.round(settings.shift * side);
    return random.integer(2 * most + 1) - most;
  };
  return Array.from({ length: settings.views }, () => ({
    shift: [upTo(height), upTo(width)],
    noise: Float32Array.from({ length: height * width * 3 }, () => settings.noise * random.normal()),
  }));
}

/** Images [N, H, W, 3] as a view shows them; differentiable. Shifted edges are repeated. The caller owns the result. */
export function seeThrough({ shift: [down, right], noise }: View, pixels: Tensor4D): Tensor4D {
  const [, height, width] = pixels.shape;
  return tidy(() => add(shifted(shifted(pixels, 1, down), 2, right), tensor4d(noise, [1, height, width, 3])));
}

function shifted(pixels: Tensor4D, axis: 1 | 2, by: number): Tensor4D {
  if (by === 0) return pixels;
  const side = pixels.shape[axis];
  const part = (from: number, count: number) => {
    const [begin, size] = [
      [0, 0, 0, 0],
      [-1, -1, -1, -1],
    ];
    begin[axis] = from;
    size[axis] = count;
    return slice(pixels, begin, size);
  };
  const times = [1, 1, 1, 1];
  times[axis] = Math.abs(by);
  const edge = tile(part(by > 0 ? 0 : side - 1, 1), times);
  return by > 0 ? concat([edge, part(0, side - by)], axis) : concat([part(-by, side + by), edge], axis);
}
