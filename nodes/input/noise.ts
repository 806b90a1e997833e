import { defineNode, one, type ParamValues } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { readLatentShape, sizeParams } from '../generate/shared/sizeParams.ts';
import { refuseLargeBatch } from '../ml/image/refuseLargeBatch.ts';
import { type NoiseStream, noisePrograms, noiseStreams, startNoise } from '../ml/noiseStream.ts';
import { varyNoise } from '../ml/varyNoise.ts';
import { choice, integer, number, seed, text } from '../params.ts';
import type { Noise } from '../ports.ts';
import { quote } from '../quote.ts';

const batchParams = {
  seed: seed({
    initial: 0,
    help: 'Image i comes from seed + i alone: the same seed gives the same noise anywhere. In ComfyUI, the whole batch comes from the seed.',
  }),
  count: integer({ initial: 1, min: 1, max: 1000, help: 'How many images.' }),
};

const streamParams = {
  noiseFrom: choice({
    initial: 'diffusers',
    options: noisePrograms,
    aliases: { comfyui: ['comfy'], 'a1111-cpu': ['webui-cpu', 'cpu'], 'a1111-gpu': ['webui-gpu', 'nv', 'gpu'] },
    help: "Whose numbers a seed gives, also in the steps: diffusers' for each image, ComfyUI's for the whole batch, or those of A1111's RNG: CPU, and GPU or NV. An image is then the same up to rounding. What other programs draw on a GPU, but for A1111, cannot be had.",
  }),
  ensd: integer({
    initial: 0,
    min: 0,
    max: 1_000_000,
    help: "A1111's ENSD: what is added to the seed for the noise of later steps, often 31337.",
  }),
  images: text({
    initial: 'all',
    help: 'Which images of the batch: all, or their numbers from 0 with commas, as in 2, 0.',
  }),
  variationSeed: seed({ initial: 0, help: 'Where variations lead: image i is one towards this seed + i.' }),
  variationStrength: number({
    initial: 0,
    min: 0,
    max: 1,
    step: 0.05,
    help: 'How far the noise is turned to that of the variation seed, as in A1111, where all images then have the same seed; 0 is none.',
  }),
};

export const noise = defineNode({
  type: 'input/noise',
  version: 1,
  title: 'Noise',
  summary: 'Random noise in the latent space of a generator, from which it draws images.',
  inputs: { generator: one('generator') },
  params: { ...batchParams, ...sizeParams, ...streamParams },
  outputs: { noise: 'noise' },
  async run({ generator }, params, { remark }) {
    const shape = readLatentShape(generator, params);
    const { width, height } = generator.defaults;
    const refuse = (count: number) => refuseLargeBatch(count, params.width || width, params.height || height);
    refuse(params.count);
    const [streams, variations] = readStreams(params);
    refuse(streams.length);
    if (params.ensd > 0 && !params.noiseFrom.startsWith('a1111'))
      remark(`ENSD ${params.ensd} has no effect with noise from ${params.noiseFrom}: A1111 alone has it.`);
    const latents = startNoise(streams, shape);
    const noise = (drawn: Noise['latents']): { noise: Noise } => ({
      noise: {
        latents: drawn,
        seeds: streams.map((stream) => stream.seed),
        ...(params.noiseFrom !== 'diffusers' && { streams }),
      },
    });
    if (params.variationStrength === 0) return noise(latents);
    const others = startNoise(variations, shape);
    try {
      return noise(await varyNoise(latents, others, params.variationStrength));
    } finally {
      latents.dispose();
      others.dispose();
    }
  },
});

/** Of the images and of what they are varied towards. Throws UserError `BAD_INDEX`. */
function readStreams(params: ParamValues<typeof batchParams & typeof streamParams>): [NoiseStream[], NoiseStream[]] {
  const { seed, count, noiseFrom, ensd, variationSeed, variationStrength } = params;
  const indexes = readIndexes(params.images, count);
  const options = { ensd, ...(indexes && { indexes }) };
  const streams = noiseStreams(noiseFrom, seed, count, options);
  const variations = noiseStreams(noiseFrom, variationSeed, count, options);
  if (variationStrength === 0 || noiseFrom === 'comfyui') return [streams, variations];
  return [streams.map((stream) => ({ ...stream, seed })), variations];
}

/** Throws UserError `BAD_INDEX`. */
function readIndexes(images: string, count: number): number[] | undefined {
  const written = images.trim();
  if (written === 'all' || written === '') return undefined;
  const indexes = written.split(',').map((each) => (/^\s*\d{1,4}\s*$/.test(each) ? Number(each) : -1));
  const wrong = indexes.findIndex((index) => index < 0 || index >= count);
  if (wrong < 0) return indexes;
  throw new UserError(
    'BAD_INDEX',
    `The batch has ${count} images, and ${quote(written.split(',')[wrong]!.trim())} is none of them: write all, or numbers from 0 to ${count - 1} with commas.`,
    { at: { param: 'images' } },
  );
}
