import { scoreImages } from '../../../nodes/ml/image/scoreImages.ts';
import { hypervolume, type Point } from '../../../nodes/ml/pareto.ts';
import { dispose } from '../../../nodes/ml/tf.ts';
import type { Generator, Reward } from '../../../nodes/ports.ts';
import { drawEach } from './methods.ts';
import { trialsOf } from './trial.ts';

/** Mean and standard deviation of each judge's scores of plain images, by its name. */
export type Calibrations = Readonly<Record<string, { readonly mean: number; readonly deviation: number }>>;

/**
 * Scores plain images of prompts and noises that no trial has. A judge that gave all of them the same score has a deviation
 * of 1.
 */
export async function calibrate(
  judges: readonly Reward[],
  promptsPerTask: number,
  sampling: { readonly generator: Generator; readonly steps: number; readonly batch: number },
): Promise<Calibrations> {
  const trials = trialsOf(promptsPerTask, 1, 40_960, 1e9);
  const scores: number[][] = [];
  for (let start = 0; start < trials.length; start += sampling.batch) {
    const part = trials.slice(start, start + sampling.batch);
    for (const [i, { images, noise }] of (await drawEach(part, sampling)).entries()) {
      scores.push(...(await scoreImages(judges, images.pixels, [part[i]!.prompt])));
      dispose([images.pixels, noise.latents]);
    }
  }
  return Object.fromEntries(judges.map(({ name }, k) => [name, spreadOf(scores.map((row) => row[k]!))]));
}

function spreadOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) || 1 };
}

/** A reward whose usual range is that of plain images, two deviations to either side of the mean, and that counts in deviations. */
export function withUsualRange(reward: Reward, calibrations: Calibrations): Reward {
  const { mean, deviation } = calibrations[reward.name]!;
  return { ...reward, usualRange: [mean - 2 * deviation, mean + 2 * deviation], weight: 1 / deviation };
}

/** The hypervolume of points above the low ends of the usual ranges, in units of those ranges. */
export function volumeOf(seen: readonly Point[], rewards: readonly Reward[]): number {
  const points = seen.map((scores) =>
    scores.map((score, k) => {
      const [low, high] = rewards[k]!.usualRange;
      return (score - low) / (high - low);
    }),
  );
  return hypervolume(
    points,
    rewards.map(() => 0),
  );
}
