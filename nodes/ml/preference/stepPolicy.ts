import { add, div, log, mul, reshape, square, sub, type Tensor, type Tensor1D, tensor1d } from '../tf.ts';
import { meanPerImage } from './logRatio.ts';

/*
 * A stochastic DDIM step as a policy: a Gaussian around the step's mean. Source: DDPO, arXiv 2305.13301, section 4.3, and its
 * code, whose last timestep before 0 is clamped to 0
 */

export interface StepPolicy {
  /** Share of signal variance at each training timestep. */
  readonly alphaBars: Float32Array;
  /** Training timesteps between two steps. */
  readonly stride: number;
  /** Above 0. */
  readonly eta: number;
}

/** The mean of each step, shaped as the latents, and its deviation, [N]. */
export interface StepMean {
  readonly mean: Tensor;
  readonly sigma: Tensor1D;
}

/**
 * mu = sqrt(a') (x - sqrt(1 - a) eps) / sqrt(a) + sqrt(1 - a' - sigma^2) eps,
 * sigma = eta sqrt((1 - a') / (1 - a) (1 - a / a')), with a and a' the signal at t and at max(t - stride, 0).
 * latents x and predicted noise eps [N, ...], timesteps one for each. Differentiable in eps.
 */
export function stepMean(latents: Tensor, noise: Tensor, timesteps: readonly number[], policy: StepPolicy): StepMean {
  const { alphaBars, stride, eta } = policy;
  const rows = timesteps.map((t) => {
    const [a, next] = [alphaBars[t]!, alphaBars[Math.max(t - stride, 0)]!];
    const sigma = eta * Math.sqrt(((1 - next) / (1 - a)) * (1 - a / next));
    const ofLatents = Math.sqrt(next / a);
    return { ofLatents, ofNoise: Math.sqrt(1 - next - sigma ** 2) - ofLatents * Math.sqrt(1 - a), sigma };
  });
  const column = (values: number[]) => reshape(tensor1d(values), [-1, ...latents.shape.slice(1).fill(1)]);
  return {
    mean: add(
      mul(latents, column(rows.map(({ ofLatents }) => ofLatents))),
      mul(noise, column(rows.map(({ ofNoise }) => ofNoise))),
    ),
    sigma: tensor1d(rows.map(({ sigma }) => sigma)),
  };
}

/** log p of the latents that a step led to, its mean over elements, [N]. Differentiable in the mean. */
export function stepLogProb(next: Tensor, { mean, sigma }: StepMean): Tensor1D {
  const distance = meanPerImage(square(sub(next, mean)));
  const constant = add(log(sigma), Math.log(2 * Math.PI) / 2);
  return sub<Tensor1D>(mul(div(distance, square(sigma)), -0.5), constant);
}

/** KL of a step from the reference's, mean over elements, [N]. Differentiable in the mean. */
export function stepKl({ mean, sigma }: StepMean, reference: Tensor): Tensor1D {
  return mul(div(meanPerImage(square(sub(mean, reference))), square(sigma)), 0.5);
}
