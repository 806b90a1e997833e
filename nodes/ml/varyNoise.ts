import { type Tensor4D, tensor4d } from './tf.ts';

/** Below 1, so that columns of one direction are mixed as well: their angle is no 0 to divide by. */
const CLOSEST = 1 - 2 ** -22;

/**
 * Noise turned by `strength` in [0, 1] towards that of another seed, both [N, h, w, c], column by column:
 * z = (sin((1 - v) o) a + sin(v o) b) / sin o, where o is the angle between the columns. Computed in double precision:
 * the arc cosine of a graphics card has four digits. The caller owns the result.
 * Source: stable-diffusion-webui, modules/rng.py, slerp
 */
export async function varyNoise(noise: Tensor4D, other: Tensor4D, strength: number): Promise<Tensor4D> {
  const [a, b] = await Promise.all([noise.data(), other.data()]);
  const [, h, w, c] = noise.shape;
  const varied = new Float32Array(a.length);
  for (let column = 0; column < a.length / h; column++) {
    const first = Math.floor(column / (w * c)) * h * w * c + (column % (w * c));
    let [ofA, ofB, product] = [0, 0, 0];
    for (let y = 0; y < h; y++) {
      const [x, z] = [a[first + y * w * c]!, b[first + y * w * c]!];
      ofA += x * x;
      ofB += z * z;
      product += x * z;
    }
    const angle = Math.acos(Math.min(Math.max(product / Math.sqrt(ofA * ofB), -CLOSEST), CLOSEST));
    const [shareA, shareB] = [1 - strength, strength].map((part) => Math.sin(part * angle) / Math.sin(angle));
    for (let y = 0; y < h; y++) {
      const i = first + y * w * c;
      varied[i] = shareA! * a[i]! + shareB! * b[i]!;
    }
  }
  return tensor4d(varied, noise.shape);
}
