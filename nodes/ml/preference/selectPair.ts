/**
 * The best and the worst of k candidates of one step, and whether they differ enough to learn from: whether the softmax of both
 * scores differs by more than `threshold`, which depends on the scale of the scores. Of equals the first.
 * Source: SPO, arXiv 2406.04314, section 4.2
 */
export function selectPair(
  scores: readonly number[],
  threshold: number,
): { readonly best: number; readonly worst: number; readonly differs: boolean } {
  const best = scores.indexOf(Math.max(...scores));
  const worst = scores.indexOf(Math.min(...scores));
  const share = 1 / (1 + Math.exp(scores[worst]! - scores[best]!));
  return { best, worst, differs: 2 * share - 1 > threshold };
}
