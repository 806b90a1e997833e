import { addLogProbGradient, addPriorGradient, type GaussianPolicy, meanLogProb } from '../optimise/gaussianPolicy.ts';
import { sharesOf } from '../optimise/particles.ts';

/*
 * Losses of a factorised Gaussian policy of d numbers on samples z of an earlier one, with their gradients [2 d] with respect
 * to (m, s). All are to be minimised.
 *
 *   rho   exp(ln pi(z) - ln pi_old(z)), of mean log-densities (FIND's ratio, near 1 in any dimension) or of their sums (the
 *         ratio of true densities)
 *   A     advantage
 */

export interface PolicySample {
  readonly noise: Float32Array;
  readonly advantage: number;
}

export interface PolicyLoss {
  readonly loss: number;
  readonly gradient: Float32Array;
}

export type Density = 'mean' | 'sum';

/** ln pi(z), its mean or its sum over elements. */
export function logDensity(policy: GaussianPolicy, z: Float32Array, density: Density): number {
  return meanLogProb(policy, z) * (density === 'mean' ? 1 : z.length);
}

/** rho of each sample. */
export function ratios(
  policy: GaussianPolicy,
  old: GaussianPolicy,
  samples: readonly Pick<PolicySample, 'noise'>[],
  density: Density,
): number[] {
  return samples.map(({ noise }) => Math.exp(logDensity(policy, noise, density) - logDensity(old, noise, density)));
}

/** The gradient of mean_i weight_i ln pi(z_i). */
export function weighLogDensities(
  policy: GaussianPolicy,
  samples: readonly Pick<PolicySample, 'noise'>[],
  weights: readonly number[],
  density: Density,
): Float32Array {
  const gradient = new Float32Array(policy.length);
  const size = density === 'mean' ? 1 : policy.length / 2;
  for (const [i, { noise }] of samples.entries())
    if (weights[i] !== 0) addLogProbGradient(gradient, policy, noise, (weights[i]! * size) / samples.length);
  return gradient;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const clamp = (x: number, clip: number) => Math.min(1 + clip, Math.max(1 - clip, x));

/**
 * -mean min(rho A, clip(rho, 1 +- clip) A). Source: PPO, arXiv 1707.06347, equation 7; FIND, arXiv 2407.19453, with mean
 * densities
 */
export function clippedLoss(
  policy: GaussianPolicy,
  old: GaussianPolicy,
  samples: readonly PolicySample[],
  { clip, density }: { readonly clip: number; readonly density: Density },
): PolicyLoss {
  const rho = ratios(policy, old, samples, density);
  const gains = samples.map(({ advantage }, i) => Math.min(rho[i]! * advantage, clamp(rho[i]!, clip) * advantage));
  const weights = samples.map(({ advantage }, i) => (rho[i]! * advantage === gains[i] ? -rho[i]! * advantage : 0));
  return { loss: -mean(gains), gradient: weighLogDensities(policy, samples, weights, density) };
}

/** `factor` times the loss, + prior mean(m^2 + (s - 1)^2), the distance to N(0, 1). Source: FIND, arXiv 2407.19453 */
export function withPrior(
  { loss, gradient }: PolicyLoss,
  policy: GaussianPolicy,
  factor: number,
  prior: number,
): PolicyLoss {
  const d = policy.length / 2;
  const scaled = gradient.map((each) => factor * each);
  addPriorGradient(scaled, policy, prior);
  const distance = policy.reduce((sum, each, i) => sum + (i < d ? each ** 2 : (each - 1) ** 2), 0) / d;
  return { loss: factor * loss + prior * distance, gradient: scaled };
}

/**
 * mean max(rho, clip(rho, 1 +- clip)), which the behaviour policy lowers: it draws what the old one drew too rarely.
 * Source: PROPS, arXiv 2311.08290, equation 8
 */
export function propsLoss(
  policy: GaussianPolicy,
  old: GaussianPolicy,
  samples: readonly Pick<PolicySample, 'noise'>[],
  clip = 0.3,
): PolicyLoss {
  const rho = ratios(policy, old, samples, 'sum');
  const taken = rho.map((each) => Math.max(each, clamp(each, clip)));
  const weights = rho.map((each, i) => (each === taken[i] ? each : 0));
  return { loss: mean(taken), gradient: weighLogDensities(policy, samples, weights, 'sum') };
}

/** mean(rho - 1 - ln rho): an estimate of the divergence that is never below 0. Source: PROPS, arXiv 2311.08290, its stop */
export function k3(rho: readonly number[]): number {
  return mean(rho.map((each) => each - 1 - Math.log(each)));
}

/** -mean (r - greedy) ln pi(z), greedy the reward of the mode. Source: ReMax, arXiv 2310.10505, equation 6 */
export function remaxLoss(
  policy: GaussianPolicy,
  samples: readonly Pick<PolicySample, 'noise'>[],
  rewards: readonly number[],
  greedy: number,
): PolicyLoss {
  const weights = rewards.map((reward) => greedy - reward);
  const loss = mean(samples.map(({ noise }, i) => weights[i]! * logDensity(policy, noise, 'sum')));
  return { loss, gradient: weighLogDensities(policy, samples, weights, 'sum') };
}

/**
 * KL(a || b) of a = softmax(r / temperature) and b = softmax(ln pi - ln pi_old): the posterior of the reward is distilled.
 * Source: BRAIn, arXiv 2402.02479, equation 12
 */
export function posteriorLoss(
  policy: GaussianPolicy,
  old: GaussianPolicy,
  samples: readonly Pick<PolicySample, 'noise'>[],
  rewards: readonly number[],
  temperature: number,
): PolicyLoss {
  const a = sharesOf(rewards.map((reward) => reward / temperature));
  const b = sharesOf(ratios(policy, old, samples, 'sum').map(Math.log));
  const loss = a.reduce((sum, each, i) => sum + each * Math.log(each / b[i]!), 0);
  const weights = a.map((each, i) => samples.length * (b[i]! - each));
  return { loss, gradient: weighLogDensities(policy, samples, weights, 'sum') };
}
