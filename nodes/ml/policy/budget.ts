/**
 * The share of a safe policy in the next draw: 1 where the learner's lower bound reaches what is needed already, else what
 * keeps the mixture at it, in [0, 1]. Source: StepMix, arXiv 2306.06265, algorithm 1
 *
 * @returns the share of the learner
 */
export function learnerShare({
  learner,
  base,
  need,
}: {
  readonly learner: number;
  readonly base: number;
  readonly need: number;
}): number {
  if (learner >= need) return 1;
  return Math.min(1, Math.max(0, (base - need) / (base - learner)));
}

/**
 * Probabilities of arms with estimated values f: 1 / (arms + gap (best - f_a)), the rest for the best, the first of equals.
 * Source: SquareCB, arXiv 2002.04926, algorithm 1
 */
export function inverseGap(values: readonly number[], gap: number): number[] {
  const best = values.indexOf(Math.max(...values));
  const shares = values.map((value) => 1 / (values.length + gap * (values[best]! - value)));
  const others = shares.reduce((sum, share, i) => sum + (i === best ? 0 : share), 0);
  return shares.map((share, i) => (i === best ? 1 - others : share));
}

/**
 * Weights of arms after the reward of one: w_a exp(eta r / (p_a + eta / 2)) for it, p its probability. Source: EXP3 with
 * implicit exploration, arXiv 1506.03271, algorithm 1
 */
export function exp3(weights: readonly number[], arm: number, reward: number, eta: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const p = weights[arm]! / total;
  return weights.map((weight, i) => (i === arm ? weight * Math.exp((eta * reward) / (p + eta / 2)) : weight));
}
