import { UserError } from '../../errors.ts';
import type { Reward } from '../../ports.ts';
import { labelImage } from '../diffusion/sampleImages.ts';
import { scoreImages } from '../image/scoreImages.ts';
import { wordsOf } from '../text/plainPrompt.ts';
import { concat, slice, type Tensor4D } from '../tf.ts';
import type { CandidateSource } from './drawCandidates.ts';
import type { Spent } from './lookTrace.ts';
import { addWeighted, readWeights } from './rewardWeights.ts';

/** Latents as images, with their scores. */
export interface Judged {
  /** [N, H, W, 3] in [0, 1]; the caller owns it. */
  readonly pixels: Tensor4D;
  /** values[image][reward], by the rewards, and by the watched ones where they were asked. */
  readonly scores: readonly (readonly number[])[];
  readonly watched: readonly (readonly number[])[];
  /** Weighted sum of the scores of each image. May be NaN. */
  readonly totals: readonly number[];
}

/** Decodes latents [N, h, w, c], `batch` at a time, scores them, and adds to what was spent. `watch`: by the watched rewards too. */
export async function judgeLatents(
  source: CandidateSource,
  latents: Tensor4D,
  { batch, watch }: { readonly batch: number; readonly watch: boolean },
  spent: Spent,
): Promise<Judged> {
  const [count] = latents.shape;
  const parts: Tensor4D[] = [];
  const found: Omit<Judged, 'pixels'>[] = [];
  try {
    for (let start = 0; start < count; start += batch) {
      const part = slice(latents, [start, 0, 0, 0], [Math.min(batch, count - start), -1, -1, -1]);
      try {
        parts.push(source.generator.decode(part));
      } finally {
        part.dispose();
      }
      found.push(await scorePixels(source, parts.at(-1)!, spent, { start, watch }));
    }
    spent.decodes += count;
    return { pixels: concat(parts, 0), ...joinScores(found) };
  } finally {
    for (const part of parts) part.dispose();
  }
}

/** The scores of several batches, one after another. */
export function joinScores(parts: readonly Omit<Judged, 'pixels'>[]): Omit<Judged, 'pixels'> {
  return {
    scores: parts.flatMap(({ scores }) => scores),
    watched: parts.flatMap(({ watched }) => watched),
    totals: parts.flatMap(({ totals }) => totals),
  };
}

/** Scores images [N, H, W, 3] of a source, the first of which is image `start` of its request, and adds to what was spent. */
export async function scorePixels(
  { generator, request, rewards, watched }: CandidateSource,
  pixels: Tensor4D,
  spent: Spent,
  { start = 0, watch = false } = {},
): Promise<Omit<Judged, 'pixels'>> {
  const [count] = pixels.shape;
  const all = watch ? [...rewards, ...watched] : rewards;
  const prompts = Array.from({ length: count }, (_, i) => wordsOf(labelImage(generator, request, 0, start + i)));
  const values = await scoreImages(all, pixels, prompts);
  spent.rewardCalls += count * all.length;
  const scores = values.map((row) => row.slice(0, rewards.length));
  const totals = scores.map((row) => addWeighted(row, readWeights(rewards)));
  return { scores, watched: values.map((row) => row.slice(rewards.length)), totals };
}

/**
 * In what a weighted sum of rewards is measured where a method has a scale for it: a quarter of its usual range, which is 1 for
 * ImageReward. Above 0.
 */
export function rewardUnit(rewards: readonly Reward[]): number {
  const widths = rewards.map(({ usualRange: [low, high], weight = 1 }) => Math.abs(weight) * (high - low));
  return widths.reduce((sum, width) => sum + width, 0) / 4 || 1;
}

/**
 * A sentence on images whose reward is no finite number, or undefined. Throws UserError `NOT_FINITE` where it is none for all
 * and they `areAll` that are left. `what` they are, e.g. `particles`.
 */
export function describeBroken(
  { rewards }: Pick<CandidateSource, 'rewards'>,
  { scores, totals }: Pick<Judged, 'scores' | 'totals'>,
  step: number,
  what: string,
  areAll = true,
): string | undefined {
  const broken = totals.flatMap((total, i) => (Number.isFinite(total) ? [] : [i]));
  if (broken.length === 0) return undefined;
  const column = scores[broken[0]!]!.findIndex((score) => !Number.isFinite(score));
  const gave = `the reward "${rewards[column]!.name}" gave ${scores[broken[0]!]![column]}`;
  if (areAll && broken.length === totals.length)
    throw new UserError('NOT_FINITE', `No image is left after step ${step}: ${gave} for all ${totals.length} ${what}.`);
  return `In step ${step} ${gave} for ${broken.length} of ${totals.length} ${what}, and these were dropped.`;
}
