import { acos, add, clipByValue, div, mul, norm, sin, sum, type Tensor4D, tidy } from './tf.ts';

/** Below 1, so that columns of one direction are mixed as well: their angle is no 0 to divide by. */
const CLOSEST = 1 - 2 ** -22;

/**
 * Noise turned by `strength` in [0, 1] towards that of another seed, both [N, h, w, c], column by column:
 * z = (sin((1 - v) o) a + sin(v o) b) / sin o, where o is the angle between the columns. The caller owns the result.
 * Source: stable-diffusion-webui, modules/rng.py, slerp
 */
export function varyNoise(noise: Tensor4D, other: Tensor4D, strength: number): Tensor4D {
  return tidy(() => {
    const unit = (x: Tensor4D) => div(x, norm(x, 2, 1, true));
    const cosine = sum(mul(unit(noise), unit(other)), 1, true); // [N, 1, w, c]
    const angle = acos(clipByValue(cosine, -CLOSEST, CLOSEST));
    const share = (part: number) => div(sin(mul(angle, part)), sin(angle));
    return add<Tensor4D>(mul(noise, share(1 - strength)), mul(other, share(strength)));
  });
}
