import { div, slice, sub, type Tensor4D, tensor1d, tidy } from '../tf.ts';
import { resizeBicubic } from './resize.ts';

/** Mean and standard deviation of each channel (RGB) that CLIP models were trained with. Source: openai/CLIP clip.py. */
export const clipMean = [0.48145466, 0.4578275, 0.40821073] as const;
export const clipDeviation = [0.26862954, 0.26130258, 0.27577711] as const;

/** How a model wants its images, other than by `size`. */
export interface ClipTransformOptions {
  /** What the short side is resized to before the square is cut out; `size` by default, never less. */
  readonly shortSide?: number;
  /** Of each channel. */
  readonly mean?: readonly number[];
  readonly deviation?: readonly number[];
}

/**
 * Images as CLIP-like rewards take them: short side resized by antialiased bicubic, centre square of `size`, normalised;
 * differentiable. pixels [N, H, W, 3] in [0, 1] -> [N, size, size, 3]; the caller owns the result.
 * Source: ReNO (arXiv 2406.04312), rewards/utils.py clip_img_transform.
 */
export function clipTransform(pixels: Tensor4D, size = 224, options: ClipTransformOptions = {}): Tensor4D {
  const { shortSide = size, mean = clipMean, deviation = clipDeviation } = options;
  const [count, oldHeight, oldWidth, channels] = pixels.shape;
  const short = Math.min(oldHeight, oldWidth);
  const height = Math.trunc((shortSide * oldHeight) / short);
  const width = Math.trunc((shortSide * oldWidth) / short);
  return tidy(() => {
    const resized = height === oldHeight && width === oldWidth ? pixels : resizeBicubic(pixels, height, width);
    const top = roundHalfEven((height - size) / 2);
    const left = roundHalfEven((width - size) / 2);
    const square = slice(resized, [0, top, left, 0], [count, size, size, channels]);
    return div(sub(square, tensor1d([...mean])), tensor1d([...deviation])) as Tensor4D;
  });
}

/** Python's round: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}
