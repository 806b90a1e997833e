import { add, div, expm1, mean, mul, type Scalar, softplus, sub, type Tensor1D } from '../tf.ts';

/*
 * Losses of pairs without a reference: one U-Net call less a step. They take the errors m of winners and losers, [P] each, of
 * `errorPerImage`, and are differentiable.
 */

/**
 * -log sigmoid(beta kappa/2 (m_l - m_w) - gamma). Source: SimPO, arXiv 2405.14734, equation 6, with errors in place of log
 * probabilities
 */
export function simpo(
  winner: Tensor1D,
  loser: Tensor1D,
  { beta, kappa, gamma }: { readonly beta: number; readonly kappa: number; readonly gamma: number },
): Scalar {
  return mean(softplus(sub(gamma, mul(sub(loser, winner), (beta * kappa) / 2))));
}

/**
 * mean m_w + beta mean -log sigmoid(T (phi(m_w) - phi(m_l))), phi(m) = s m / (exp(s m) - 1), which falls from 1.
 * T is the number of training timesteps, s the published "snr value". Source: MaPO, arXiv 2406.06424, equation 9; its code
 */
export function mapo(
  winner: Tensor1D,
  loser: Tensor1D,
  {
    beta = 0.1,
    snr = 0.5,
    timesteps = 1000,
  }: { readonly beta?: number; readonly snr?: number; readonly timesteps?: number } = {},
): Scalar {
  const phi = (m: Tensor1D): Tensor1D => {
    const x = mul<Tensor1D>(m, snr);
    return div(x, expm1(x));
  };
  const ratio = softplus(mul(sub(phi(winner), phi(loser)), -timesteps));
  return add(mean(winner), mul(mean(ratio), beta));
}
