import { UserError } from '../../errors.ts';
import type { Generator, ImageLabel, Images, Noise, SampleRequest, SampleStep } from '../../ports.ts';
import { identify } from '../image/imageIds.ts';
import { labelPrompt } from '../text/plainPrompt.ts';
import { clone, concat, slice, type Tensor4D } from '../tf.ts';

/**
 * Draws the images of a request, at most `batch` at a time so that memory stays bounded: denoises step by step,
 * awaiting `onStep` after each (where it rejects, everything is freed), and decodes. The caller owns the result; each
 * image depends on its own seed, prompt and condition image alone, whatever the batch. Throws UserError
 * `ROWS_DIFFER` where condition images are neither one nor as many as the noise.
 */
export async function sampleImages(
  generator: Generator,
  request: SampleRequest,
  batch: number,
  onStep: (step: SampleStep, imagesDone: number, images: number) => Promise<void>,
): Promise<Images> {
  const { seeds } = request.noise;
  refuseOddConditions(request);
  const parts: Tensor4D[] = [];
  try {
    for (let start = 0; start < seeds.length; start += batch) {
      const images = Math.min(batch, seeds.length - start);
      const part = sliceRequest(request, start, images);
      try {
        const latents = await denoiseLatents(generator, part.request, (step) => onStep(step, start, images));
        try {
          parts.push(generator.decode(latents));
        } finally {
          latents.dispose();
        }
      } finally {
        for (const tensor of part.tensors) tensor.dispose();
      }
    }
    const labels = seeds.map((seed, i) => labelImage(generator, request, seed, i));
    return await identify(concat(parts, 0), labels);
  } finally {
    for (const part of parts) part.dispose();
  }
}

/** Throws UserError `ROWS_DIFFER` where condition images are neither one nor as many as the noise. */
export function refuseOddConditions({ noise: { seeds }, conditions }: SampleRequest): void {
  const batches = conditions.flatMap(({ image, map }) => (map ? [image, map] : [image]));
  const odd = batches.find(({ shape }) => shape[0] !== 1 && shape[0] !== seeds.length);
  if (!odd) return;
  const message = `The control image or its map is a batch of ${odd.shape[0]} images, but ${seeds.length} are to be drawn; give one for all, or one for each.`;
  throw new UserError('ROWS_DIFFER', message, { at: { port: 'conditions' } });
}

/** Runs a generator's denoising to its end, awaiting `onStep` between steps. The caller owns the clean latents. */
export async function denoiseLatents(
  generator: Generator,
  request: SampleRequest,
  onStep: (step: SampleStep) => Promise<void>,
): Promise<Tensor4D> {
  let latents: Tensor4D | undefined;
  const steps = function* () {
    latents = yield* generator.denoise(request);
  };
  for (const step of steps()) await onStep(step); // leaving the loop by an error closes the generator, which frees its tensors
  if (!latents) throw new Error(`The generator ${generator.name} gave no latents.`);
  return latents;
}

/** The request for images [start, start + count), and the tensors made for it, which the caller owns. */
export function sliceRequest(
  request: SampleRequest,
  start: number,
  count: number,
): { request: SampleRequest; tensors: Tensor4D[] } {
  const tensors: Tensor4D[] = [];
  const rows = (x: Tensor4D): Tensor4D => {
    const part = x.shape[0] === 1 ? clone(x) : slice(x, [start, 0, 0, 0], [count, -1, -1, -1]);
    tensors.push(part);
    return part;
  };
  const { latents, seeds, streams } = request.noise;
  const noise: Noise = {
    latents: rows(latents),
    seeds: seeds.slice(start, start + count),
    ...(streams && { streams: streams.slice(start, start + count) }),
  };
  const prompts = request.prompts.length === 1 ? request.prompts : request.prompts.slice(start, start + count);
  const conditions = request.conditions.map((condition) => ({
    ...condition,
    image: rows(condition.image),
    ...(condition.map && { map: rows(condition.map) }),
  }));
  const { guidance, begin } = request;
  const own = begin && { begin: { ...begin, latents: rows(begin.latents) } };
  const part = { ...request, ...own, noise, prompts, conditions };
  return { request: guidance ? { ...part, guidance: { ...guidance, image: rows(guidance.image) } } : part, tensors };
}

/** The label of image `i` of a request. */
export function labelImage(
  generator: Generator,
  { prompts, settings }: Pick<SampleRequest, 'prompts' | 'settings'>,
  seed: number,
  i: number,
): ImageLabel {
  return { ...labelPrompt(generator, prompts[prompts.length === 1 ? 0 : i] ?? '', settings.steps), seed };
}
