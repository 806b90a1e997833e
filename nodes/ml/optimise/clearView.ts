import { image, type Tensor4D } from '../tf.ts';

/** Pixels along a side of what is compared. */
const SIDE = 16;
/** The cosine distance between two estimates in a row below which they show the same. */
const ALIKE = 0.02;

/** An image made small: what can be told of it from afar. */
export type ClearView = Float32Array;

/** The views of images [N, H, W, 3] in [0, 1]. */
export async function viewImages(pixels: Tensor4D): Promise<ClearView[]> {
  const small = image.resizeBilinear(pixels, [SIDE, SIDE], false, true);
  try {
    const values = (await small.data()) as Float32Array;
    const size = values.length / pixels.shape[0];
    return Array.from({ length: pixels.shape[0] }, (_, i) => values.slice(i * size, (i + 1) * size));
  } finally {
    small.dispose();
  }
}

/** Whether an estimate is clear: it looks like the one before, by the cosine between both. */
export function isClear(before: ClearView, now: ClearView): boolean {
  const dot = (a: ClearView, b: ClearView) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const lengths = Math.sqrt(dot(before, before) * dot(now, now));
  return lengths === 0 || 1 - dot(before, now) / lengths < ALIKE;
}
