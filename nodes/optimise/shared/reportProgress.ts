import type { Artifact, NodeContext } from '../../defineNode.ts';
import { shrinkImage } from '../../ml/image/drawPreview.ts';
import { encodePng, toBytes } from '../../ml/image/encodePng.ts';
import type { BatchProgress } from '../../ml/optimise/maximiseBatches.ts';
import type { RewardSet } from '../../ml/optimise/rowState.ts';
import { readFigures } from '../../ml/optimise/trace.ts';
import type { Tensor4D } from '../../ml/tf.ts';
import type { ImageLabel } from '../../ports.ts';

/**
 * Reports an optimisation while it runs: progress, the best image so far, and the curves. Where it is cancelled, the best
 * image of each row is saved before the rejection goes on.
 */
export async function reportProgress(
  { fraction, evaluation, start, rows, done }: BatchProgress,
  { evaluations, images, labels }: { evaluations: number; images: number; labels: readonly ImageLabel[] },
  rewardSet: RewardSet,
  { progress, save, signal }: NodeContext,
): Promise<void> {
  const figures = readFigures(rows, rewardSet);
  const which = images > rows.length ? `, images ${start + 1} to ${start + rows.length} of ${images}` : '';
  const [total, best] = [figures.total!, figures['best total']!].map((value) => value.toPrecision(4));
  const text = `evaluation ${evaluation} of ${evaluations}${which}: total ${total}, best ${best}`;
  try {
    await progress(fraction, text, () => shrinkImage(rows[0]!.best.pixels), figures);
  } catch (error) {
    if (signal.aborted)
      for (const [i, row] of [...done, ...rows].entries())
        save(await encodeBestSoFar(row.best.pixels, labels[i] ?? {}, i));
    throw error;
  }
}

/** An image [1, H, W, 3] as the file that a cancelled optimiser saves. */
export async function encodeBestSoFar(pixels: Tensor4D, label: ImageLabel, i: number): Promise<Artifact> {
  const [, height, width] = pixels.shape;
  const rgb = toBytes((await pixels.data()) as Float32Array);
  const texts = label.prompt === undefined ? {} : { Prompt: label.prompt };
  const bytes = encodePng({ width, height, rgb }, texts);
  return { name: `best-so-far-${i + 1}.png`, mime: 'image/png', bytes, label };
}
