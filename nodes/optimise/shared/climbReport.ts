import type { Artifact, NodeContext } from '../../defineNode.ts';
import { encodePng, toBytes } from '../../ml/image/encodePng.ts';
import { previewOfPixels } from '../../ml/image/previewOf.ts';
import type { ClimbProgress } from '../../ml/optimise/climbBatches.ts';
import type { Judges } from '../../ml/optimise/climber.ts';
import { figuresOf } from '../../ml/optimise/traceOf.ts';
import type { Tensor4D } from '../../ml/tf.ts';
import type { ImageLabel } from '../../ports.ts';

/**
 * Tells of a climb while it runs: progress, the best image so far, and the curves. Where it is cancelled, the best image
 * of each row is handed to the shell before the rejection goes on.
 */
export async function reportClimb(
  { fraction, evaluation, start, rows, done }: ClimbProgress,
  { evaluations, images, labels }: { evaluations: number; images: number; labels: readonly ImageLabel[] },
  judges: Judges,
  { progress, save, signal }: NodeContext,
): Promise<void> {
  const figures = figuresOf(rows, judges);
  const which = images > rows.length ? `, images ${start + 1} to ${start + rows.length} of ${images}` : '';
  const [total, best] = [figures.total!, figures['best total']!].map((value) => value.toPrecision(4));
  const text = `evaluation ${evaluation} of ${evaluations}${which}: total ${total}, best ${best}`;
  try {
    await progress(fraction, text, () => previewOfPixels(rows[0]!.best.pixels), figures);
  } catch (error) {
    if (signal.aborted)
      for (const [i, row] of [...done, ...rows].entries()) save(await bestSoFar(row.best.pixels, labels[i] ?? {}, i));
    throw error;
  }
}

/** An image [1, H, W, 3] as the file that a cancelled optimiser leaves. */
export async function bestSoFar(pixels: Tensor4D, label: ImageLabel, i: number): Promise<Artifact> {
  const [, height, width] = pixels.shape;
  const rgb = toBytes((await pixels.data()) as Float32Array);
  const texts = label.prompt === undefined ? {} : { Prompt: label.prompt };
  const bytes = encodePng({ width, height, rgb }, texts);
  return { name: `best-so-far-${i + 1}.png`, mime: 'image/png', bytes, label };
}
