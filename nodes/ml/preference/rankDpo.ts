import {
  expandDims,
  mean,
  mul,
  neg,
  reshape,
  type Scalar,
  softplus,
  sub,
  sum,
  type Tensor2D,
  tensor2d,
} from '../tf.ts';

/**
 * Ranked lists: the sum over i better than j of Delta_ij softplus(-beta (ell_i - ell_j)), its mean over lists.
 * Source: RankDPO, arXiv 2410.18013, equations 5 to 7
 *
 *   ell        [L, K], each image with noise of its own, one timestep a list
 *   phi        share of comparisons won, in [0, 1], one row a list, see `shareWon`
 *   tau_i      rank by phi from 1; the first of equals comes first
 *   Delta_ij   |2^phi_i - 2^phi_j| |1/ln(1 + tau_i) - 1/ln(1 + tau_j)|
 */
export function rankDpo(ell: Tensor2D, phi: readonly (readonly number[])[], beta: number): Scalar {
  const weights = phi.flatMap(rankWeights);
  const differences = sub(expandDims(ell, 2), expandDims(ell, 1)); // [L, K, K]
  const losses = mul(softplus(neg(mul(differences, beta))), reshape(tensor2d(weights), differences.shape));
  return mean(sum(losses, [1, 2]));
}

/** Delta_ij where i is better than j, else 0. */
function rankWeights(phi: readonly number[]): number[][] {
  const order = phi.map((_, i) => i).sort((a, b) => phi[b]! - phi[a]! || a - b);
  const discount = phi.map((_, i) => 1 / Math.log(2 + order.indexOf(i)));
  return phi.map((own, i) =>
    phi.map((other, j) => (own > other ? Math.abs(2 ** own - 2 ** other) * Math.abs(discount[i]! - discount[j]!) : 0)),
  );
}

/**
 * phi of each image of a list: comparisons won over comparisons, over all rewards and all other images; ties count half.
 * `scores` by reward, then image. Source: Syn-Pic, arXiv 2410.18013, section 3; self-play, arXiv 2401.04056, equation 4
 */
export function shareWon(scores: readonly (readonly number[])[]): number[] {
  const size = scores[0]?.length ?? 0;
  return Array.from({ length: size }, (_, i) => {
    let won = 0;
    for (const row of scores)
      for (let j = 0; j < size; j++) if (j !== i) won += row[i]! > row[j]! ? 1 : row[i]! === row[j]! ? 0.5 : 0;
    return won / (scores.length * (size - 1));
  });
}
