import type { Distribution, Noise } from '../../ports.ts';
import { latentNoise } from '../random.ts';
import { add, mul, type Tensor3D, type Tensor4D, tensor3d } from '../tf.ts';
import type { GaussianPolicy } from './gaussianPolicy.ts';

/** Noise mean + std n, with n what each seed alone gives. The caller owns it. */
export function sampleDistribution({ mean, std }: Distribution, seeds: readonly number[]): Noise {
  const normal = latentNoise(seeds, mean.shape);
  const scaled: Tensor4D = mul(normal, std);
  const latents: Tensor4D = add(scaled, mean);
  normal.dispose();
  scaled.dispose();
  return { latents, seeds };
}

/** A policy over latents [h, w, c] as it goes on a wire. The caller owns it. */
export function buildDistribution(
  policy: GaussianPolicy,
  shape: readonly [number, number, number],
  prompt: string,
): Distribution {
  const d = policy.length / 2;
  const part = (start: number): Tensor3D => tensor3d(policy.slice(start, start + d), [...shape]);
  return { mean: part(0), std: part(d), prompt };
}
