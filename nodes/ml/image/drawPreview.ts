import type { Generator, Preview } from '../../ports.ts';
import { image, slice, type Tensor4D, tidy } from '../tf.ts';
import { toBytes } from './encodePng.ts';

/** Longer side of a preview in pixels, at most. */
const PREVIEW_SIZE = 256;

/** A small image of the first of a batch of latents [N, h, w, c]. */
export async function drawPreview(generator: Generator, latents: Tensor4D): Promise<Preview> {
  const pixels = tidy(() => generator.decode(slice(latents, [0, 0, 0, 0], [1, -1, -1, -1])));
  try {
    return await shrinkImage(pixels);
  } finally {
    pixels.dispose();
  }
}

/** A small image of one image [1, H, W, 3] in [0, 1]. */
export async function shrinkImage(pixels: Tensor4D): Promise<Preview> {
  const [, h, w] = pixels.shape;
  const scale = Math.min(1, PREVIEW_SIZE / Math.max(h, w));
  const [height, width] = [Math.max(1, Math.round(h * scale)), Math.max(1, Math.round(w * scale))];
  const small = image.resizeBilinear(pixels, [height, width], false, true);
  try {
    return { width, height, rgb: toBytes((await small.data()) as Float32Array) };
  } finally {
    small.dispose();
  }
}
