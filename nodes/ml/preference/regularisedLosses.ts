import { stopGradient } from '../nn/stopGradient.ts';
import { add, greaterEqual, mean, mul, type Scalar, softplus, sub, type Tensor1D, where } from '../tf.ts';
import { dpo } from './pairLosses.ts';

/*
 * DPO with a further term. u and ell are as in logRatio.ts, [P]; all are differentiable.
 */

/**
 * + eta kappa/2 mean m_w: the winners' own likelihood keeps their errors from rising. `winner` are their errors m.
 * Source: RPO, arXiv 2405.16436, equation 11
 */
export function rpo(
  u: Tensor1D,
  winner: Tensor1D,
  { eta, kappa }: { readonly eta: number; readonly kappa: number },
): Scalar {
  return add(dpo(u), mul(mean(winner), (eta * kappa) / 2));
}

/**
 * + or - alpha beta mean ell of calibration samples: optimism (online, the losers) or pessimism (offline, the winners).
 * Source: VPO, arXiv 2405.19320, equation 9; which samples calibrate is ours
 */
export function vpo(
  winner: Tensor1D,
  loser: Tensor1D,
  { alpha, beta, online }: { readonly alpha: number; readonly beta: number; readonly online: boolean },
): Scalar {
  const calibration = mul(mean(online ? loser : winner), (online ? 1 : -1) * alpha * beta);
  return add(dpo(mul(sub(winner, loser), beta)), calibration);
}

/**
 * + lambda KL at the model's own samples, of `klPerImage`: what pairs do not cover stays near the reference.
 * Source: HyPO, arXiv 2406.01462, algorithm 1; the closed form in place of its estimate is ours
 */
export function hypo(u: Tensor1D, kl: Tensor1D, lambda: number): Scalar {
  return add(dpo(u), mul(mean(kl), lambda));
}

/**
 * -log sigmoid(beta (ell_w - s ell_r)) of winners and samples of the reference, s = 1 where the model denoises the winner at
 * least as well as the reference, so that its sample loses, else -1. Source: SePPO, arXiv 2410.05255, equations 7 and 8; ties
 * are ours
 */
export function seppo(winner: Tensor1D, sampled: Tensor1D, beta: number): Scalar {
  const sign = stopGradient(() => where(greaterEqual(winner, 0), 1, -1) as Tensor1D);
  return mean(softplus(mul(sub(winner, mul(sign, sampled)), -beta)));
}
