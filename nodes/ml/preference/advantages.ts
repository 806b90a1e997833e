/** Rewards of each prompt that were seen last. */
export type RewardHistory = Map<string, number[]>;

/**
 * (r - mean) / (deviation + 1e-6) by the rewards of the same prompt that were seen last, these included; where there are fewer
 * than `minCount`, by those of the batch. Adds the batch to `history`, of which `size` are kept a prompt.
 * Source: DDPO, arXiv 2305.13301, appendix A; its code, PerPromptStatTracker
 */
export function normaliseRewards(
  history: RewardHistory,
  prompts: readonly string[],
  rewards: readonly number[],
  { size, minCount }: { readonly size: number; readonly minCount: number },
): number[] {
  for (const [i, prompt] of prompts.entries())
    history.set(prompt, [...(history.get(prompt) ?? []), rewards[i]!].slice(-size));
  const whole = statistics(rewards);
  return rewards.map((reward, i) => {
    const own = history.get(prompts[i]!)!;
    const { mean, deviation } = own.length < minCount ? whole : statistics(own);
    return (reward - mean) / (deviation + 1e-6);
  });
}

function statistics(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}
