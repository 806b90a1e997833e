import { sampleImages } from '../../ml/diffusion/sampleImages.ts';
import { identify } from '../../ml/image/imageIds.ts';
import { scoreImages } from '../../ml/image/scoreImages.ts';
import type { Climbed, Judges } from '../../ml/optimise/climber.ts';
import { concat, type Tensor, type Tensor4D } from '../../ml/tf.ts';
import type { Generator, ImageLabel, Images, SampleRequest, Scores } from '../../ports.ts';

type Which = 'first' | 'best';
interface DrawnImages {
  readonly images: Images;
  readonly scores: Scores;
}

/** The first or the best images of a climb as they were seen, with their scores. The caller owns the images. */
export async function climbImages(
  rows: readonly Climbed[],
  which: Which,
  judges: Judges,
  labels: readonly ImageLabel[],
): Promise<DrawnImages> {
  const values = rows.map((row) => [...row[which].scores, ...row[which].watched]);
  const pixels = concat(
    rows.map((row) => row[which].pixels),
    0,
  );
  const images = await identify(pixels, labels);
  return { images, scores: { names: namesOf(judges), values, labels: images.labels } };
}

/**
 * The same, drawn and scored anew by another generator than the climb looked through, `batch` at a time. The caller owns the
 * images. `onStep` is awaited between steps; where it rejects, everything is freed.
 */
export async function redrawImages(
  rows: readonly Climbed[],
  which: Which,
  judges: Judges,
  { generator, request, batch }: { generator: Generator; request: SampleRequest; batch: number },
  onStep: () => Promise<void>,
): Promise<DrawnImages> {
  const latents = variablesOf(rows, which) as Tensor4D;
  try {
    const again = { ...request, noise: { ...request.noise, latents } };
    const images = await sampleImages(generator, again, batch, onStep);
    try {
      const values = await scoreImages([...judges.rewards, ...judges.watched], images.pixels, request.prompts);
      return { images, scores: { names: namesOf(judges), values, labels: images.labels } };
    } catch (error) {
      images.pixels.dispose();
      throw error;
    }
  } finally {
    latents.dispose();
  }
}

/** Both, of which nothing is left where the second cannot be had. */
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

/** What climbed, as it was first or at its best: [N, ...]. The caller owns it. */
export function variablesOf(rows: readonly Climbed[], which: Which): Tensor {
  return concat(
    rows.map((row) => row[which].variable),
    0,
  );
}

function namesOf({ rewards, watched }: Judges): string[] {
  return [...rewards, ...watched].map(({ name }) => name);
}
