import { div, slice, sub, type Tensor4D, tensor1d, tidy } from '../tf.ts';
import { resizeBicubic } from './resize.ts';

/** Mean and standard deviation of each channel (RGB) that CLIP models were trained with. Source: openai/CLIP clip.py. */
export const clipMean = [0.48145466, 0.4578275, 0.40821073] as const;
export const clipDeviation = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * Pictures as CLIP-like rewards take them: short side to `size` by antialiased bicubic, centre square, normalised;
 * differentiable. pixels [N, H, W, 3] in [0, 1] -> [N, size, size, 3]; the caller owns the result.
 * Source: ReNO (arXiv 2406.04312), rewards/utils.py clip_img_transform.
 */
export function clipTransform(pixels: Tensor4D, size = 224): Tensor4D {
  const [count, oldHeight, oldWidth, channels] = pixels.shape;
  const short = Math.min(oldHeight, oldWidth);
  const height = Math.trunc((size * oldHeight) / short);
  const width = Math.trunc((size * oldWidth) / short);
  return tidy(() => {
    const resized = height === oldHeight && width === oldWidth ? pixels : resizeBicubic(pixels, height, width);
    const top = roundHalfEven((height - size) / 2);
    const left = roundHalfEven((width - size) / 2);
    const square = slice(resized, [0, top, left, 0], [count, size, size, channels]);
    return div(sub(square, tensor1d([...clipMean])), tensor1d([...clipDeviation])) as Tensor4D;
  });
}

/** Python's round: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}
