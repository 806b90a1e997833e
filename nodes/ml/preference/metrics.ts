/** The share of pairs whose margin of implicit rewards, ell_w - ell_l, is above 0; ties count half. Relative to the reference. */
export function implicitAccuracy(winner: readonly number[], loser: readonly number[]): number {
  const won = winner.map((ell, i) => (ell > loser[i]! ? 1 : ell === loser[i]! ? 0.5 : 0) as number);
  return won.reduce((sum, each) => sum + each, 0) / won.length;
}

/**
 * The share of pairs whose winner the model denoises at least as well as the loser, by their errors m, whatever the reference
 * does. Source: arXiv 2405.19534, definition 2.3
 */
export function rankingAccuracy(winner: readonly number[], loser: readonly number[]): number {
  return winner.filter((error, i) => error <= loser[i]!).length / winner.length;
}

/**
 * The share of comparisons won, 1, tied, 0.5, or lost, 0, and Wilson's interval of it for `z` deviations.
 * Source: E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927)
 */
export function winRate(
  outcomes: readonly number[],
  z = 1.959963984540054,
): { readonly rate: number; readonly low: number; readonly high: number } {
  const n = outcomes.length;
  const rate = outcomes.reduce((sum, outcome) => sum + outcome, 0) / n;
  const middle = (rate + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z * Math.sqrt((rate * (1 - rate)) / n + z ** 2 / (4 * n ** 2))) / (1 + z ** 2 / n);
  return { rate, low: middle - half, high: middle + half };
}
