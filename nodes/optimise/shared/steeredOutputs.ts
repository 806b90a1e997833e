import { labelImage } from '../../ml/diffusion/sampleImages.ts';
import { identify } from '../../ml/image/imageIds.ts';
import type { CandidateSource } from '../../ml/optimise/drawCandidates.ts';
import type { Judged } from '../../ml/optimise/judgeLatents.ts';
import { gather, type Tensor4D } from '../../ml/tf.ts';
import type { Images, Scores } from '../../ports.ts';
import { listRewardNames } from './candidateOutputs.ts';

/** The rows of judged images that have a total, best first; of equals the earlier. */
export function rankRows({ totals }: Pick<Judged, 'totals'>): number[] {
  const rows = totals.flatMap((total, row) => (Number.isFinite(total) ? [row] : []));
  return rows.sort((a, b) => totals[b]! - totals[a]!);
}

/** Some of the judged images of a source, image i from `seeds[i]`, with their scores and `more` columns of them. The caller owns the pixels. */
export async function judgedOutputs(
  { pixels, scores, watched }: Judged,
  rows: readonly number[],
  seeds: readonly number[],
  source: CandidateSource,
  more: Readonly<Record<string, readonly number[]>> = {},
): Promise<{ readonly images: Images; readonly scores: Scores }> {
  const own: Tensor4D = gather(pixels, [...rows]);
  const images = await identify(
    own,
    rows.map((row) => labelImage(source.generator, source.request, seeds[row]!, row)),
  );
  const names = [...listRewardNames(source), ...Object.keys(more)];
  const values = rows.map((row) => [
    ...scores[row]!,
    ...watched[row]!,
    ...Object.values(more).map((column) => column[row]!),
  ]);
  return { images, scores: { names, values, labels: images.labels } };
}
