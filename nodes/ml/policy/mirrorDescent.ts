import type { GaussianPolicy } from '../optimise/gaussianPolicy.ts';
import { type PolicyLoss, type PolicySample, ratios, weighLogDensities } from './surrogates.ts';

/** KL(policy || old) in nats over all d elements, and its gradient [2 d] with respect to the policy. */
export function divergence(policy: GaussianPolicy, old: GaussianPolicy): PolicyLoss {
  const d = policy.length / 2;
  const gradient = new Float32Array(2 * d);
  let nats = 0;
  for (let i = 0; i < d; i++) {
    const [off, s, s0] = [policy[i]! - old[i]!, policy[d + i]!, old[d + i]!];
    nats += Math.log(s0 / s) + (s * s + off * off) / (2 * s0 * s0) - 0.5;
    gradient[i] = off / (s0 * s0);
    gradient[d + i] = s / (s0 * s0) - 1 / s;
  }
  return { loss: nats, gradient };
}

/** -mean rho A + beta KL(pi || pi_old), with ratios of true densities. Source: MDPO, arXiv 2005.09814, equation 11 */
export function mirrorLoss(
  policy: GaussianPolicy,
  old: GaussianPolicy,
  samples: readonly PolicySample[],
  beta: number,
): PolicyLoss {
  const rho = ratios(policy, old, samples, 'sum');
  const weights = samples.map(({ advantage }, i) => -rho[i]! * advantage);
  const kl = divergence(policy, old);
  const gradient = weighLogDensities(policy, samples, weights, 'sum').map((each, i) => each + beta * kl.gradient[i]!);
  return { loss: weights.reduce((sum, each) => sum + each, 0) / samples.length + beta * kl.loss, gradient };
}

/**
 * The step of mirror descent in closed form: the solution of <grad J, theta - theta_old> - b KL(theta || theta_old) with b such
 * that the step would cost `nats` were KL quadratic. `gradient` is that of the expected advantage at `old`, [2 d]; without
 * a gradient nothing moves. Source: MDPO, arXiv 2005.09814, equation 8, solved for a factorised Gaussian
 *
 *   g, h   parts of the gradient for m and s
 *   b      sqrt((|g s|^2 + |h s|^2 / 2) / (2 nats))
 *   m' = m + s^2 g / b;  c = h s^2 / b;  s' = (c + sqrt(c^2 + 4 s^2)) / 2
 */
export function mirrorStep(old: GaussianPolicy, gradient: Float32Array, nats: number): GaussianPolicy {
  const d = old.length / 2;
  let squares = 0;
  for (let i = 0; i < d; i++) {
    const s = old[d + i]!;
    squares += (gradient[i]! * s) ** 2 + (gradient[d + i]! * s) ** 2 / 2;
  }
  const b = Math.sqrt(squares / (2 * nats));
  const moved = old.slice();
  if (b === 0) return moved;
  for (let i = 0; i < d; i++) {
    const s = old[d + i]!;
    const c = (gradient[d + i]! * s * s) / b;
    moved[i] = old[i]! + (s * s * gradient[i]!) / b;
    moved[d + i] = (c + Math.sqrt(c * c + 4 * s * s)) / 2;
  }
  return moved;
}
