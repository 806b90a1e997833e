import { addLogProbGradient, type GaussianPolicy } from '../optimise/gaussianPolicy.ts';
import { sharesOf } from '../optimise/particles.ts';
import { logDensity } from './surrogates.ts';

/** w = softmax(logits) of K factorised Gaussians. Source: PMOE, arXiv 2104.09122, equation 4 */
export interface MixturePolicy {
  readonly logits: readonly number[];
  readonly experts: readonly GaussianPolicy[];
}

/** ln sum_k w_k N(z; m_k, s_k), and each expert's share of the density at z. */
export function mixtureDensity(
  { logits, experts }: MixturePolicy,
  z: Float32Array,
): { readonly logProb: number; readonly shares: readonly number[] } {
  const weights = sharesOf(logits);
  const logs = experts.map((expert, k) => Math.log(weights[k]!) + logDensity(expert, z, 'sum'));
  const largest = Math.max(...logs);
  const logProb = largest + Math.log(logs.reduce((sum, each) => sum + Math.exp(each - largest), 0));
  return { logProb, shares: logs.map((each) => Math.exp(each - logProb)) };
}

/** -mean A ln density, and its gradients. Source: PMOE, arXiv 2104.09122, equation 9 */
export function mixtureLoss(
  policy: MixturePolicy,
  samples: readonly { readonly noise: Float32Array; readonly advantage: number }[],
): { readonly loss: number; readonly logits: readonly number[]; readonly experts: readonly Float32Array[] } {
  const weights = sharesOf(policy.logits);
  const logits = policy.logits.map(() => 0);
  const experts = policy.experts.map((expert) => new Float32Array(expert.length));
  let loss = 0;
  for (const { noise, advantage } of samples) {
    const { logProb, shares } = mixtureDensity(policy, noise);
    loss -= (advantage * logProb) / samples.length;
    for (const [k, share] of shares.entries()) {
      logits[k]! -= (advantage * (share - weights[k]!)) / samples.length;
      const factor = (-advantage * share * noise.length) / samples.length;
      addLogProbGradient(experts[k]!, policy.experts[k]!, noise, factor);
    }
  }
  return { loss, logits, experts };
}

/**
 * (1/K) sum_k (1 where expert k drew the best sample, else 0, - w_k)^2, and its gradient with respect to the logits: weights
 * follow how often an expert is best. Sample i is of expert i mod K; of equals the first is best.
 * Source: PMOE, arXiv 2104.09122, equation 12
 */
export function frequencyLoss(
  logits: readonly number[],
  rewards: readonly number[],
): { readonly loss: number; readonly logits: readonly number[] } {
  const weights = sharesOf(logits);
  const winner = rewards.indexOf(Math.max(...rewards)) % logits.length;
  const off = weights.map((weight, k) => weight - Number(k === winner));
  const slopes = off.map((each) => (2 * each) / weights.length);
  const middle = slopes.reduce((sum, each, k) => sum + each * weights[k]!, 0);
  return {
    loss: off.reduce((sum, each) => sum + each * each, 0) / weights.length,
    logits: slopes.map((each, k) => weights[k]! * (each - middle)),
  };
}
