/** r_i - mean of the others, of samples of one prompt. Source: LOOP, arXiv 2502.01600, equation 5 */
export function leaveOneOut(rewards: readonly number[]): number[] {
  const total = rewards.reduce((sum, reward) => sum + reward, 0);
  return rewards.map((reward) => reward - (total - reward) / (rewards.length - 1));
}

/** The worst of several rewards of a sample. Source: worst-case optimisation, arXiv 2310.02743, equation 3 */
export function worstCase(scores: readonly number[]): number {
  return Math.min(...scores);
}

/** mean - lambda variance of several rewards of a sample. Source: uncertainty-weighted, arXiv 2310.02743, equation 4 */
export function uncertaintyWeighted(scores: readonly number[], lambda: number): number {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return mean - (lambda * scores.reduce((sum, score) => sum + (score - mean) ** 2, 0)) / scores.length;
}

/** The squared correlation of two lists; 0 where one of them is constant. Source: the criterion of PF-PPO, arXiv 2409.06957 */
export function squaredCorrelation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [a, b].map((values) => values.reduce((sum, each) => sum + each, 0) / values.length) as [
    number,
    number,
  ];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, each] of a.entries()) {
    ab += (each - meanA) * (b[i]! - meanB);
    aa += (each - meanA) ** 2;
    bb += (b[i]! - meanB) ** 2;
  }
  return aa === 0 || bb === 0 ? 0 : (ab * ab) / (aa * bb);
}

/**
 * The gradient of the expected reward with respect to the mean of a Gaussian policy, with a linear critic c . z fitted on
 * whatever data: unbiased for any critic. Source: hybrid policy gradient, arXiv 2311.08384, equation 6, of one step
 *
 *   mean_i (A_i - mean A) N / (N - 1) (z_i - m) / s^2 + c,  A_i = r_i - c . z_i
 */
export function hybridGradient(
  policy: { readonly mean: Float32Array; readonly deviation: Float32Array },
  samples: readonly Float32Array[],
  rewards: readonly number[],
  critic: Float32Array,
): Float32Array {
  const left = samples.map((z, i) => rewards[i]! - z.reduce((sum, each, j) => sum + critic[j]! * each, 0));
  const mean = left.reduce((sum, each) => sum + each, 0) / left.length;
  const gradient = Float32Array.from(critic);
  for (const [i, z] of samples.entries())
    for (const [j, each] of z.entries())
      gradient[j]! +=
        ((left[i]! - mean) * (each - policy.mean[j]!)) / (policy.deviation[j]! ** 2 * (samples.length - 1));
  return gradient;
}
