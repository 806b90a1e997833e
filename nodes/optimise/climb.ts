import { defineNode, type InputValues, list, many, optional, type ParamValues } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { sampleParams, sampleSettings } from '../generate/shared/sampleParams.ts';
import { refuseOddConditions } from '../ml/diffusion/sampleImages.ts';
import { climbBatches } from '../ml/optimise/climbBatches.ts';
import { type Climbed, forget } from '../ml/optimise/climber.ts';
import { type NoiseClimb, weighted } from '../ml/optimise/climbNoise.ts';
import { noiseNorm } from '../ml/optimise/noiseNorm.ts';
import { nearStart, slopes } from '../ml/optimise/slopes.ts';
import { traceOf } from '../ml/optimise/traceOf.ts';
import { clone, type Tensor4D } from '../ml/tf.ts';
import { choice, number } from '../params.ts';
import type { Generator, ImageLabel, Noise } from '../ports.ts';
import { climbBatch } from './shared/climbBatch.ts';
import { climbImages, firstAndBest, variablesOf } from './shared/climbImages.ts';
import { climbParams, routeOf, watchOf } from './shared/climbParams.ts';
import { reportClimb } from './shared/climbReport.ts';
import { requireGradient } from './shared/requireGradient.ts';

const inputs = {
  generator: optional('generator', { help: 'Draws the images; not needed where images themselves climb.' }),
  noise: optional('noise', { help: 'What is drawn from; every image of the batch climbs on its own.' }),
  images: optional('images', { help: 'Images to start from, where an image climbs; else those that are drawn.' }),
  prompt: optional('text', { help: 'Without it, what each image was drawn from.' }),
  rewards: many('reward', { min: 1, help: 'The sum of all, each times its weight (see Weight), is what climbs.' }),
  watch: many('reward', { help: 'Scored but never optimised: they show whether the images really get better.' }),
  conditions: many('condition', { help: 'Images that steer the generator, see Control image.' }),
};
const params = {
  variable: choice({
    initial: 'noise',
    options: Object.keys(slopes) as (keyof typeof slopes)[],
    help: 'What climbs: the noise, the clean latents, the pixels, what is added to the features of the prompt, or the scale of the ControlNets.',
  }),
  ...climbParams,
  regularisation: number({
    initial: 0.01,
    min: 0,
    max: 1000,
    step: 0.01,
    help: 'How strongly noise is kept at the length that noise has, and anything else near where it started.',
  }),
  ...sampleParams,
};

export const climb = defineNode({
  type: 'optimise/climb',
  version: 1,
  title: 'Climb',
  summary:
    'Climbs the gradient of rewards through whatever is wired before them, from noise, latents, pixels, the prompt or the scale of a ControlNet. ReNO is this with noise.',
  source: 'arXiv 2406.04312 for noise; 2208.01618 for the prompt, there with examples instead of rewards',
  inputs,
  params,
  outputs: {
    images: { type: 'images', list: false, help: 'The best images.' },
    firstImages: { type: 'images', list: false, help: 'What was there before the first step.' },
    noise: list('noise', { help: 'The best noise, where noise climbs; else nothing.' }),
    scales: list('number', {
      help: 'What to multiply the scale of the ControlNets by for each image, where that climbs; else nothing.',
    }),
    scores: { type: 'scores', list: false, help: 'Of the best images, by the rewards and the watched ones.' },
    firstScores: { type: 'scores', list: false, help: 'Of the first images.' },
    trace: {
      type: 'trace',
      list: false,
      help: 'Every evaluation: total, rewards, watched rewards, length of what climbs.',
    },
  },
  async run(given, settings, context) {
    const slope = slopeOf(given, settings);
    requireGradient('Climb', slope);
    const { request } = slope;
    refuseOddConditions(request);
    const labels = request.noise.seeds.map((seed, i): ImageLabel => ({ prompt: promptAt(request.prompts, i), seed }));
    const { evaluations, variable, regularisation } = settings;
    let rows: Climbed[] = [];
    try {
      await context.progress(0);
      const { batch, remarks } = await climbBatch(slope, { batch: settings.batch, gradient: 'exact' }, context);
      const climbing = { evaluations, batch, watch: watchOf(settings), route: () => routeOf(settings) };
      const about = { evaluations, images: labels.length, labels };
      const batchSlope = (part: typeof request) => {
        const made = slopes[variable]({ ...slope, request: part });
        const penalty = variable === 'noise' ? noiseNorm : nearStart(made.start);
        return regularisation > 0 ? { ...made, penalty: weighted(regularisation, penalty) } : made;
      };
      rows = await climbBatches(request, batchSlope, climbing, (progress) =>
        reportClimb(progress, about, slope, context),
      );
      const trace = traceOf(rows, slope, labels, `length of the ${variable}`);
      const scales = variable === 'control scale' ? await scalesOf(rows) : [];
      const { first, best } = await firstAndBest((which) => climbImages(rows, which, slope, labels));
      return {
        images: best.images,
        firstImages: first.images,
        noise:
          variable === 'noise' ? [{ latents: variablesOf(rows, 'best') as Tensor4D, seeds: request.noise.seeds }] : [],
        scales,
        scores: best.scores,
        firstScores: first.scores,
        trace: { ...trace, remarks: [...remarks, ...trace.remarks] },
      };
    } finally {
      for (const { first, best } of rows) for (const moment of [first, best]) forget(moment);
    }
  },
});

type Given = InputValues<typeof inputs>;
type Settings = ParamValues<typeof params>;

function promptAt(prompts: readonly string[], i: number): string {
  return prompts[prompts.length === 1 ? 0 : i]!;
}

async function scalesOf(rows: readonly Climbed[]): Promise<number[]> {
  const scales: number[] = [];
  for (const { best } of rows) scales.push((await best.variable.data())[0]!);
  return scales;
}

/** What climbs, from what is connected. Throws UserError `MISSING_INPUT`. */
function slopeOf(
  { images, prompt, conditions, rewards, watch: watched, ...given }: Given,
  settings: Settings,
): NoiseClimb {
  const source = images && settings.variable === 'image' ? imageSource(images.pixels) : undefined;
  const generator = source ?? given.generator;
  const noise: Noise | undefined = source
    ? { latents: images!.pixels, seeds: images!.labels.map(({ seed }, i) => seed ?? i) }
    : given.noise;
  if (!generator || !noise) {
    const missing = generator ? 'noise' : 'generator';
    const message = `Nothing is connected to "${missing}", which is needed to draw the images that climb.`;
    throw new UserError('MISSING_INPUT', message, { at: { port: missing } });
  }
  const prompts = prompt === undefined && source ? images!.labels.map((label) => label.prompt ?? '') : [prompt ?? ''];
  const sampling = { negativePrompt: settings.negativePrompt, settings: sampleSettings(generator, settings) };
  return { generator, request: { noise, prompts, conditions, ...sampling }, rewards, watched };
}

/** Images as if a generator had drawn them. */
function imageSource({ shape: [, height, width, channels] }: Tensor4D): Generator {
  return {
    name: 'images',
    bytes: 0,
    differentiable: true,
    defaults: { scheduler: 'model', steps: 1, guidanceScale: 1, eta: 0, width, height },
    latentShape: () => [height, width, channels],
    // biome-ignore lint/correctness/useYield: there are no steps between.
    *denoise({ noise }) {
      return clone(noise.latents);
    },
    decode: (latents) => clone(latents),
    dispose: () => {},
  };
}
