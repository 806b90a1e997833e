import {
  add,
  clipByValue,
  exp,
  mean,
  mul,
  neg,
  relu,
  type Scalar,
  softplus,
  square,
  sub,
  type Tensor1D,
} from '../tf.ts';

/*
 * Losses of pairs as functions of the log ratios ell of winners and losers, [P] each; symbols in logRatio.ts. All are means
 * over pairs, and differentiable.
 */

/** beta (ell_w - ell_l), [P]. */
export function margin(winner: Tensor1D, loser: Tensor1D, beta: number): Tensor1D {
  return mul(sub(winner, loser), beta);
}

/** -log sigmoid(u): Bradley and Terry's model of a choice. Source: Diffusion-DPO, arXiv 2311.12908, equation 14 */
export function dpo(u: Tensor1D): Scalar {
  return mean(softplus(neg(u)));
}

/** DPO where a share `epsilon` of labels is flipped: smoothed. Source: conservative DPO, in arXiv 2403.00409, section 2 */
export function cdpo(u: Tensor1D, epsilon: number): Scalar {
  return mean(add(mul(softplus(neg(u)), 1 - epsilon), mul(softplus(u), epsilon)));
}

/**
 * The same without bias, in [0, 0.5): its mean over flipped labels is DPO's over true ones. Unbounded below as |u| grows.
 * Source: rDPO, arXiv 2403.00409, equation 9
 */
export function rdpo(u: Tensor1D, epsilon: number): Scalar {
  const losses = sub(mul(softplus(neg(u)), 1 - epsilon), mul(softplus(u), epsilon));
  return mean(mul(losses, 1 / (1 - 2 * epsilon)));
}

/**
 * (u - 1/2)^2: aims at a margin in place of pushing it for ever. It is beta^2 times the published one, so that its gradient is
 * of DPO's size. Source: IPO, arXiv 2310.12036, equation 17
 */
export function ipo(u: Tensor1D): Scalar {
  return mean(square(sub(u, 0.5)));
}

/** max(0, 1 - u). Source: SLiC, arXiv 2305.10425, equation 2, of ratios */
export function hinge(u: Tensor1D): Scalar {
  return mean(relu(sub(1, u)));
}

export const divergences = ['reverse KL', 'forward KL', 'Jensen-Shannon', 'alpha'] as const;
export type Divergence = (typeof divergences)[number];

/** The largest exponent taken. */
const LARGEST_EXPONENT = 80;

/**
 * f'(exp(ell)) of a divergence, without constants, [P]. `alpha` is the one of the alpha divergence, not 1.
 * Source: arXiv 2309.16240, table 1
 */
function divergenceSlope(ell: Tensor1D, divergence: Divergence, alpha: number): Tensor1D {
  const power = (x: Tensor1D): Tensor1D => exp(clipByValue(x, -LARGEST_EXPONENT, LARGEST_EXPONENT));
  switch (divergence) {
    case 'reverse KL':
      return ell;
    case 'forward KL':
      return neg(power(neg(ell)));
    case 'Jensen-Shannon':
      return neg(softplus(neg(ell))); // log sigmoid
    default:
      return mul(power(mul(ell, alpha - 1)), 1 / (alpha - 1));
  }
}

/** DPO under another divergence than the reverse KL. Source: f-DPO, arXiv 2309.16240, theorem 1 */
export function fDpo(winner: Tensor1D, loser: Tensor1D, beta: number, divergence: Divergence, alpha = 0.5): Scalar {
  const slope = (ell: Tensor1D) => divergenceSlope(ell, divergence, alpha);
  return dpo(margin(slope(winner), slope(loser), beta));
}
