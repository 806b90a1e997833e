import type { Generator, Preview } from '../../ports.ts';
import { image, pad, reshape, slice, type Tensor, type Tensor4D, tidy, transpose } from '../tf.ts';
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

/** A small image of several images [N, H, W, 3] in [0, 1] side by side, in rows from the top left; what is left of the last row is black. */
export async function shrinkGrid(pixels: Tensor4D): Promise<Preview> {
  const [count, height, width, channels] = pixels.shape;
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const grid: Tensor4D = tidy(() => {
    const filled = pad(pixels, [
      [0, rows * columns - count],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    const places: Tensor = reshape(filled, [rows, columns, height, width, channels]);
    return reshape(transpose(places, [0, 2, 1, 3, 4]), [1, rows * height, columns * width, channels]) as Tensor4D;
  });
  try {
    return await shrinkImage(grid);
  } finally {
    grid.dispose();
  }
}
