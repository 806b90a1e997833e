import { disposeSnapshot } from '../../../nodes/ml/optimise/rowState.ts';
import { balance } from '../../../nodes/ml/pareto.ts';
import { paretoNoise } from '../../../nodes/optimise/paretoNoise.ts';
import type { Noise } from '../../../nodes/ports.ts';
import { alone, imageOf, type Method, noiseOf, optimiseRows, pickRow, type Tools } from './methods.ts';
import { paramsOf } from './paramsOf.ts';
import type { Trial } from './trial.ts';

/** The method whose hypervolume is compared with that of fixed weightings. */
export const frontMethod = 'Pareto noise';

/** The noises of a population for a trial, and how many evaluations its budget gives each; the caller owns the latents. */
function populationOf(trial: Trial, { generator, budget }: Tools): { noise: Noise; evaluations: number } {
  const members = Math.min(8, budget);
  const seeds = Array.from({ length: members }, (_, i) => trial.seed + i);
  return { noise: noiseOf(seeds, generator), evaluations: Math.max(1, Math.floor(budget / members)) };
}

export const optimiseToFront = (tools: Tools): Method =>
  alone(tools.ensemble, async (trial) => {
    const { generator, ensemble: rewards, steps, context } = tools;
    const { noise, evaluations } = populationOf(trial, tools);
    const inputs = { generator, noise, prompt: trial.prompt, rewards, watch: [], conditions: [] };
    try {
      const params = paramsOf(paretoNoise, { evaluations, steps, batch: noise.seeds.length, keep: 256 });
      const made = await paretoNoise.run(inputs, params, context);
      const ranks = balance(made.scores.values);
      return { ...pickRow(made, ranks.indexOf(Math.max(...ranks))), seen: made.scores.values };
    } finally {
      noise.latents.dispose();
    }
  });

/** The same population optimises a sum of the rewards with fixed shares, each reward in units of its usual range. */
export const optimiseWeighted = (tools: Tools, shares: readonly number[]): Method =>
  alone(tools.ensemble, async (trial) => {
    const { noise, evaluations } = populationOf(trial, tools);
    const rewards = tools.ensemble.map((reward, k) => ({
      ...reward,
      weight: shares[k]! / (reward.usualRange[1] - reward.usualRange[0]),
    }));
    const { prompt } = trial;
    const rows = await optimiseRows({ noise, prompts: [prompt], conditions: [] }, rewards, tools, evaluations);
    const ranks = balance(rows.map(({ best }) => best.scores));
    const chosen = ranks.indexOf(Math.max(...ranks));
    for (const [i, { first, best }] of rows.entries()) {
      disposeSnapshot(first);
      if (i !== chosen) disposeSnapshot(best);
    }
    const seen = rows.flatMap(({ trace }) => trace.map((row) => row.slice(1, 1 + rewards.length)));
    return { ...imageOf(rows[chosen]!.best, { prompt, seed: noise.seeds[chosen]! }), seen };
  });

/** Five ways to weigh K rewards: all equal, one of the first two by 0.7, or by 1. */
export function fixedShares(rewards: number): number[][] {
  const on = (k: number, share: number) =>
    Array.from({ length: rewards }, (_, i) => (i === k ? share : (1 - share) / (rewards - 1)));
  return [on(0, 1 / rewards), on(0, 0.7), on(1, 0.7), on(0, 1), on(1, 1)];
}
