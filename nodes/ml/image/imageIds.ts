import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { ImageLabel, Images } from '../../ports.ts';
import type { Tensor4D } from '../tf.ts';
import { toBytes } from './encodePng.ts';

/**
 * What each of the images [N, H, W, 3] in [0, 1] is: 32 hex digits of the SHA-256 of its size and 8-bit pixels. Two
 * images have one id only where they are saved as the same pixels, whatever prompt and seed they come from.
 */
export async function imageIds(pixels: Tensor4D): Promise<string[]> {
  const [count, height, width] = pixels.shape;
  const bytes = toBytes((await pixels.data()) as Float32Array);
  const size = height * width * 3;
  return Array.from({ length: count }, (_, i) => {
    const hash = sha256.create().update(utf8ToBytes(`${width}x${height} `));
    return bytesToHex(hash.update(bytes.subarray(i * size, (i + 1) * size)).digest()).slice(0, 32);
  });
}

/** Images whose labels say which each is. The pixels belong to the result; they are freed where they cannot be read. */
export async function identify(pixels: Tensor4D, labels: readonly ImageLabel[]): Promise<Images> {
  try {
    const ids = await imageIds(pixels);
    return { pixels, labels: labels.map((label, i) => ({ ...label, id: ids[i]! })) };
  } catch (error) {
    pixels.dispose();
    throw error;
  }
}
