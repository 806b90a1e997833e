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
  { generator, request, rewards, watched }: CandidateSource,
  latents: Tensor4D,
  { batch, watch }: { readonly batch: number; readonly watch: boolean },
  spent: Spent,
): Promise<Judged> {
  const [count] = latents.shape;
  const all = watch ? [...rewards, ...watched] : rewards;
  const parts: Tensor4D[] = [];
  const values: number[][] = [];
  try {
    for (let start = 0; start < count; start += batch) {
      const images = Math.min(batch, count - start);
      const part = slice(latents, [start, 0, 0, 0], [images, -1, -1, -1]);
      try {
        parts.push(generator.decode(part));
      } finally {
        part.dispose();
      }
      const own = Array.from({ length: images }, (_, i) => wordsOf(labelImage(generator, request, 0, start + i)));
      values.push(...(await scoreImages(all, parts.at(-1)!, own)));
    }
    spent.decodes += count;
    spent.rewardCalls += count * all.length;
    const scores = values.map((row) => row.slice(0, rewards.length));
    const totals = scores.map((row) => addWeighted(row, readWeights(rewards)));
    return { pixels: concat(parts, 0), scores, watched: values.map((row) => row.slice(rewards.length)), totals };
  } finally {
    for (const part of parts) part.dispose();
  }
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
 * A sentence on images whose reward is no finite number, or undefined. Throws UserError `NOT_FINITE` where it is none for all.
 * `what` they are, e.g. `particles`.
 */
export function describeBroken(
  { rewards }: CandidateSource,
  { scores, totals }: Judged,
  step: number,
  what: string,
): string | undefined {
  const broken = totals.flatMap((total, i) => (Number.isFinite(total) ? [] : [i]));
  if (broken.length === 0) return undefined;
  const column = scores[broken[0]!]!.findIndex((score) => !Number.isFinite(score));
  const gave = `the reward "${rewards[column]!.name}" gave ${scores[broken[0]!]![column]}`;
  if (broken.length === totals.length)
    throw new UserError('NOT_FINITE', `No image is left after step ${step}: ${gave} for all ${totals.length} ${what}.`);
  return `In step ${step} ${gave} for ${broken.length} of ${totals.length} ${what}, and these were dropped.`;
}
