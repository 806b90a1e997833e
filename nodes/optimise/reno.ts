import { defineNode, type InputValues, many, one, optional, output, type ParamValues } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { remarkOnPrompt } from '../generate/shared/remarkOnPrompt.ts';
import { sampleParams, sampleSettings } from '../generate/shared/sampleParams.ts';
import { chooseStreams } from '../ml/noiseStream.ts';
import type { ObjectiveParts } from '../ml/optimise/objective.ts';
import { disposeSnapshots, type RowResult } from '../ml/optimise/rowState.ts';
import { regularisers } from '../ml/optimise/variables.ts';
import { dispose, type Tensor4D, tile } from '../ml/tf.ts';
import { boolean, choice, integer, number } from '../params.ts';
import type { SampleRequest } from '../ports.ts';
import { remarkOnRewards } from '../reward/shared/remarkOnRewards.ts';
import { gradientParams } from './shared/gradientParams.ts';
import { optimiseImages } from './shared/optimiseImages.ts';
import { requireGradient } from './shared/requireGradient.ts';
import { firstAndBest, redrawImages, snapshotImages, stackVariables } from './shared/snapshotImages.ts';
import { addStarts, keepBestStarts } from './shared/starts.ts';

const inputs = {
  generator: one('generator', { help: 'It has to give gradients. One step is enough for most, and fastest.' }),
  noise: one('noise', { help: 'Where the optimisation starts; every image of the batch is optimised on its own.' }),
  prompt: many('text', { min: 1, help: 'Each prompt is drawn from each noise: prompts times noises are optimised.' }),
  rewards: many('reward', { min: 1, help: 'The sum of all, each times its weight (see Weight), is optimised.' }),
  watch: many('reward', { help: 'Scored but never optimised: they show whether the images really get better.' }),
  conditions: many('condition', { help: 'Images that steer the generator, see Control image.' }),
  lookThrough: optional('generator', {
    help: 'A quicker stand-in while it optimises, e.g. with a tiny decoder; the images given out are still drawn by the generator.',
  }),
};
const params = {
  ...gradientParams,
  starts: integer({
    initial: 1,
    min: 1,
    max: 256,
    help: 'Noises that each image is optimised from: its own, and others of seeds that follow from its seed; the best by the rewards is kept. Costs as many times the time.',
  }),
  regularisation: number({
    initial: 0.01,
    min: 0,
    max: 10,
    step: 0.01,
    help: 'How strongly the noise is kept like noise by the regulariser; 0 lets it go anywhere.',
  }),
  regulariser: choice({
    initial: 'length',
    options: regularisers,
    help: "What is kept of noise: length, ReNO's; likelihood, DNO's bounds on mean and covariance, which also see patterns; spectral sets its spectrum back to flat after each step, whatever the regularisation.",
  }),
  projectRadius: boolean({
    initial: false,
    help: 'Sets the noise back to exactly that length after each step, which is stricter than the regularisation.',
  }),
  gradient: choice({
    initial: 'exact',
    options: ['exact', 'decoder only'],
    help: 'Decoder only is an approximation that takes denoising for the identity: less time and memory, a poorer result.',
  }),
  ...sampleParams,
  batch: integer({
    initial: 0,
    min: 0,
    max: 256,
    help: 'Images that are optimised together; 0 is as many as memory has room for.',
  }),
};

export const reno = defineNode({
  type: 'optimise/reno',
  version: 1,
  title: 'ReNO',
  summary:
    'Reward-based noise optimisation: follows the gradient of rewards through a frozen generator back to the noise, and keeps the best image on the way.',
  source: 'arXiv 2406.04312',
  inputs,
  params,
  outputs: {
    noise: output('noise', { help: 'The best noise of each image; a multi-step sampler may draw from it, too.' }),
    images: output('images', { help: 'What is drawn from it.' }),
    firstImages: output('images', { help: 'What was drawn before the first step.' }),
    scores: output('scores', { help: 'Of the best images, by the rewards and the watched ones.' }),
    firstScores: output('scores', { help: 'Of the first images.' }),
    trace: output('trace', { help: 'Every evaluation: total, rewards, watched rewards, length of the noise.' }),
  },
  async run(given, settings, context) {
    refuse(given, settings);
    for (const prompt of given.prompt)
      remarkOnPrompt(given.generator, prompt, [settings.negativePrompt], context.remark);
    const own = readObjectiveParts(given, settings);
    remarkOnRewards(own, context.remark);
    const { seeds } = own.request.noise;
    const { request, tensors } = addStarts(own.request, settings.starts);
    const parts = { ...own, request };
    let rows: readonly RowResult[] = [];
    try {
      const optimised = await optimiseImages(parts, { ...settings, variable: 'noise' }, context);
      const kept = keepBestStarts(optimised.rows, settings.starts);
      rows = kept.rows;
      const labels = {
        first: seeds.map((_, i) => optimised.labels[i * settings.starts]!),
        best: kept.chosen.map((row) => optimised.labels[row]!),
      };
      const streamsOf = (which: 'first' | 'best') =>
        which === 'first' ? own.request.noise : chooseStreams(request.noise, kept.chosen);
      const ownSettings = sampleSettings(given.generator, settings);
      const redraw = (which: 'first' | 'best') => ({
        generator: given.generator,
        request: { ...own.request, settings: ownSettings, noise: { ...own.request.noise, ...streamsOf(which) } },
        batch: optimised.batch,
      });
      const { first, best } = await firstAndBest((which) =>
        given.lookThrough
          ? redrawImages(rows, which, parts, redraw(which), () => context.progress(1, 'drawing the images in full'))
          : snapshotImages(rows, which, parts, labels[which]),
      );
      return {
        noise: { ...streamsOf('best'), latents: stackVariables(rows, 'best') as Tensor4D },
        images: best.images,
        firstImages: first.images,
        scores: best.scores,
        firstScores: first.scores,
        trace: optimised.trace,
      };
    } finally {
      disposeSnapshots(rows);
      dispose([own.request.noise.latents, ...tensors]);
    }
  },
});

type Given = InputValues<typeof inputs>;
type Settings = ParamValues<typeof params>;

function refuse({ generator, lookThrough, rewards }: Given, { optimiser, projectRadius, regulariser }: Settings): void {
  requireGradient('ReNO', { generator: lookThrough ?? generator, rewards });
  if (optimiser !== 'l-bfgs' || !(projectRadius || regulariser === 'spectral')) return;
  const [param, what] = projectRadius ? ['projectRadius', 'the radius'] : ['regulariser', 'the flat spectrum'];
  const message = `L-BFGS searches along lines, which leave ${what} that ${param} sets: use SGD or Adam with it.`;
  throw new UserError('BAD_PARAM', message, { at: { param } });
}

/** Every prompt with every noise, the noises of the first prompt first. It owns its latents. */
function readObjectiveParts({ noise, prompt, conditions, ...given }: Given, settings: Settings): ObjectiveParts {
  const { latents, seeds } = noise;
  const rows = prompt.flatMap(() => [...seeds.keys()]);
  const generator = given.lookThrough ?? given.generator;
  const request: SampleRequest = {
    noise: { latents: tile(latents, [prompt.length, 1, 1, 1]), ...chooseStreams(noise, rows) },
    prompts: prompt.flatMap((each) => seeds.map(() => each)),
    negativePrompt: settings.negativePrompt,
    settings: sampleSettings(generator, settings),
    conditions,
  };
  return { generator, request, rewards: given.rewards, watched: given.watch };
}
