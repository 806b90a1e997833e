import { defineNode, type InputValues, list, many, optional, output, type ParamValues } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { remarkOnPrompt } from '../generate/shared/remarkOnPrompt.ts';
import { sampleParams, sampleSettings } from '../generate/shared/sampleParams.ts';
import type { ObjectiveParts } from '../ml/optimise/objective.ts';
import { disposeSnapshots, type RowResult } from '../ml/optimise/rowState.ts';
import { variables } from '../ml/optimise/variables.ts';
import { wordsOf } from '../ml/text/plainPrompt.ts';
import { clone, type Tensor4D } from '../ml/tf.ts';
import { choice, number } from '../params.ts';
import type { Generator, Noise } from '../ports.ts';
import { remarkOnRewards } from '../reward/shared/remarkOnRewards.ts';
import { gradientParams } from './shared/gradientParams.ts';
import { optimiseImages } from './shared/optimiseImages.ts';
import { requireGradient } from './shared/requireGradient.ts';
import { firstAndBest, snapshotImages, stackVariables } from './shared/snapshotImages.ts';

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
    options: variables,
    help: 'What climbs: the noise, the clean latents, the pixels, what is added to the features of the prompt, or the scale of the ControlNets.',
  }),
  ...gradientParams,
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
    images: output('images', { help: 'The best images.' }),
    firstImages: output('images', { help: 'What was there before the first step.' }),
    noise: list('noise', { help: 'The best noise, where noise climbs; else nothing.' }),
    scales: list('number', {
      help: 'What to multiply the scale of the ControlNets by for each image, where that climbs; else nothing.',
    }),
    scores: output('scores', { help: 'Of the best images, by the rewards and the watched ones.' }),
    firstScores: output('scores', { help: 'Of the first images.' }),
    trace: output('trace', { help: 'Every evaluation: total, rewards, watched rewards, length of what climbs.' }),
  },
  async run(given, settings, context) {
    const parts = readObjectiveParts(given, settings);
    requireGradient('Climb', parts);
    const { noise, prompts } = parts.request;
    remarkOnRewards(parts, context.remark);
    for (const prompt of prompts) remarkOnPrompt(parts.generator, prompt, [settings.negativePrompt], context.remark);
    const { variable } = settings;
    const how = { ...settings, projectRadius: false, gradient: 'exact' } as const;
    const { rows, labels, trace } = await optimiseImages(parts, how, context);
    try {
      const scales = variable === 'control scale' ? await readScales(rows) : [];
      const { first, best } = await firstAndBest((which) => snapshotImages(rows, which, parts, labels));
      return {
        images: best.images,
        firstImages: first.images,
        noise: variable === 'noise' ? [{ ...noise, latents: stackVariables(rows, 'best') as Tensor4D }] : [],
        scales,
        scores: best.scores,
        firstScores: first.scores,
        trace,
      };
    } finally {
      disposeSnapshots(rows);
    }
  },
});

type Given = InputValues<typeof inputs>;
type Settings = ParamValues<typeof params>;

async function readScales(rows: readonly RowResult[]): Promise<number[]> {
  const scales: number[] = [];
  for (const { best } of rows) scales.push((await best.variable.data())[0]!);
  return scales;
}

/** The images that climb, from what is connected. Throws UserError `MISSING_INPUT`. */
function readObjectiveParts(
  { images, prompt, conditions, rewards, watch: watched, ...given }: Given,
  settings: Settings,
): ObjectiveParts {
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
  const prompts = prompt === undefined && source ? images!.labels.map((label) => wordsOf(label)) : [prompt ?? ''];
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
