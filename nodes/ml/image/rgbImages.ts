import type { Tensor4D } from '../tf.ts';
import { type RgbImage, toBytes } from './encodePng.ts';

/** The images of a batch [N, H, W, 3] in [0, 1] (clamped), as 8-bit RGB. */
export async function rgbImages(pixels: Tensor4D): Promise<RgbImage[]> {
  const [count, height, width] = pixels.shape;
  const bytes = toBytes((await pixels.data()) as Float32Array);
  const size = height * width * 3;
  return Array.from({ length: count }, (_, i) => ({ width, height, rgb: bytes.subarray(i * size, (i + 1) * size) }));
}
