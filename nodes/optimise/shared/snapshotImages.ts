import { sampleImages } from '../../ml/diffusion/sampleImages.ts';
import { identify } from '../../ml/image/imageIds.ts';
import { scoreImages } from '../../ml/image/scoreImages.ts';
import type { RewardSet, RowResult } from '../../ml/optimise/rowState.ts';
import { wordsOf } from '../../ml/text/plainPrompt.ts';
import { concat, type Tensor, type Tensor4D } from '../../ml/tf.ts';
import type { Generator, ImageLabel, Images, SampleRequest, Scores } from '../../ports.ts';
import { listRewardNames } from './candidateOutputs.ts';

type Which = 'first' | 'best';
interface DrawnImages {
  readonly images: Images;
  readonly scores: Scores;
}

/** The first or the best images as they were drawn on the way, with their scores. The caller owns the images. */
export async function snapshotImages(
  rows: readonly RowResult[],
  which: Which,
  rewardSet: RewardSet,
  labels: readonly ImageLabel[],
): Promise<DrawnImages> {
  const values = rows.map((row) => [...row[which].scores, ...row[which].watched]);
  const pixels = concat(
    rows.map((row) => row[which].pixels),
    0,
  );
  const images = await identify(pixels, labels);
  return { images, scores: { names: listRewardNames(rewardSet), values, labels: images.labels } };
}

/**
 * The same, drawn and scored anew by another generator than the one that was optimised through, `batch` at a time. The
 * caller owns the images. `onStep` is awaited between steps; where it rejects, everything is freed.
 */
export async function redrawImages(
  rows: readonly RowResult[],
  which: Which,
  rewardSet: RewardSet,
  { generator, request, batch }: { generator: Generator; request: SampleRequest; batch: number },
  onStep: () => Promise<void>,
): Promise<DrawnImages> {
  const latents = stackVariables(rows, which) as Tensor4D;
  try {
    const again = { ...request, noise: { ...request.noise, latents } };
    const images = await sampleImages(generator, again, batch, onStep);
    try {
      const prompts = images.labels.map((label) => wordsOf(label));
      const values = await scoreImages([...rewardSet.rewards, ...rewardSet.watched], images.pixels, prompts);
      return { images, scores: { names: listRewardNames(rewardSet), values, labels: images.labels } };
    } catch (error) {
      images.pixels.dispose();
      throw error;
    }
  } finally {
    latents.dispose();
  }
}

/** Draws both; where the second fails, the first is freed. */
export async function firstAndBest(
  draw: (which: Which) => Promise<DrawnImages>,
): Promise<{ readonly first: DrawnImages; readonly best: DrawnImages }> {
  const first = await draw('first');
  try {
    return { first, best: await draw('best') };
  } catch (error) {
    first.images.pixels.dispose();
    throw error;
  }
}

/** The variables that were optimised, as they were first or at their best: [N, ...]. The caller owns them. */
export function stackVariables(rows: readonly RowResult[], which: Which): Tensor {
  return concat(
    rows.map((row) => row[which].variable),
    0,
  );
}
