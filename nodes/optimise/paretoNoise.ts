import { defineNode, many, one, output } from '../defineNode.ts';
import { remarkOnPrompt } from '../generate/shared/remarkOnPrompt.ts';
import { sampleParams, sampleSettings } from '../generate/shared/sampleParams.ts';
import { shrinkImage } from '../ml/image/drawPreview.ts';
import { disposeCandidate } from '../ml/optimise/drawCandidates.ts';
import type { ObjectiveParts } from '../ml/optimise/objective.ts';
import { type Front, optimiseFront } from '../ml/optimise/optimiseFront.ts';
import { sgd } from '../ml/optimise/sgd.ts';
import { titleColumn } from '../ml/optimise/trace.ts';
import { integer, number, text } from '../params.ts';
import type { Trace, TraceColumn } from '../ports.ts';
import { remarkOnRewards } from '../reward/shared/remarkOnRewards.ts';
import { referencePoint } from '../select/shared/referencePoint.ts';
import { candidateOutputs } from './shared/candidateOutputs.ts';
import { chooseBatch } from './shared/chooseBatch.ts';
import { gradientParams, readWatchSettings } from './shared/gradientParams.ts';
import { encodeBestSoFar } from './shared/reportProgress.ts';
import { requireGradient } from './shared/requireGradient.ts';

/** For measuring the memory that a member takes. */
const noiseSettings = { variable: 'noise', regularisation: 0, projectRadius: true, gradient: 'exact' } as const;

export const paretoNoise = defineNode({
  type: 'optimise/pareto-noise',
  version: 1,
  title: 'Pareto noise',
  summary:
    'Optimises a population of noises for several rewards at once without weighing them against each other: only those that no other beats receive a gradient, and the front of all images seen is kept.',
  source: 'Parrot, arXiv 2401.05675, algorithm 1',
  inputs: {
    generator: one('generator', { help: 'It has to give gradients.' }),
    noise: one('noise', { help: 'The population; eight or more.' }),
    prompt: one('text'),
    rewards: many('reward', {
      min: 2,
      help: 'A weight says how strongly a reward is followed, not which image is better; one without counts by its usual range.',
    }),
    watch: many('reward', { help: 'Scored but never optimised: they show whether the images really get better.' }),
    conditions: many('condition', { help: 'Images that steer the generator, see Control image.' }),
  },
  params: {
    evaluations: { ...gradientParams.evaluations, initial: 20 },
    learningRate: number({ initial: 20, min: 0, max: 1000, step: 1, help: 'Of SGD with Nesterov momentum 0.9.' }),
    clip: gradientParams.clip,
    emphasis: number({
      initial: 0.5,
      min: 0,
      max: 1,
      step: 0.1,
      help: 'How much each member cares for one reward, in turn, more than for the others: 0 is not at all, 1 for nothing else.',
    }),
    fresh: number({
      initial: 0.3,
      min: 0,
      max: 1,
      step: 0.1,
      help: 'The share of fresh noise where a member that is beaten starts anew beside one of the front; at 0 it waits.',
    }),
    keep: integer({ initial: 16, min: 1, max: 256, help: 'The most images of the front that are kept.' }),
    reference: text({
      initial: '0',
      help: 'The point above which volume counts: a number for all rewards, or one each.',
    }),
    whenHacking: gradientParams.whenHacking,
    patience: gradientParams.patience,
    ...sampleParams,
  },
  outputs: {
    images: output('images', { help: 'The front of all images seen.' }),
    noise: output('noise', { help: 'What they were drawn from.' }),
    scores: output('scores', { help: 'Their scores, by the rewards and the watched ones.' }),
    trace: output('trace', {
      help: 'Every evaluation: hypervolume, means over the members of the front, their number.',
    }),
  },
  async run({ generator, noise, prompt, rewards, watch, conditions }, params, context) {
    const { progress, remark, save, signal } = context;
    remarkOnPrompt(generator, prompt, [params.negativePrompt], remark);
    requireGradient('Pareto noise', { generator, rewards });
    const settings = sampleSettings(generator, params);
    const request = { noise, prompts: [prompt], negativePrompt: params.negativePrompt, settings, conditions };
    const parts: ObjectiveParts = { generator, request, rewards, watched: watch };
    remarkOnRewards(parts, remark);
    const names = rewards.map(({ name }) => name);
    const columns = listColumns(parts);
    await progress(0);
    const { batch, remarks } = await chooseBatch(parts, { ...noiseSettings, batch: params.batch }, context);
    const how = {
      ...params,
      batch,
      optimiser: sgd({ learningRate: params.learningRate, momentum: 0.9, nesterov: true }),
      reference: referencePoint(params.reference, names),
      watch: readWatchSettings(params),
    };
    const front = await optimiseFront(parts, how, async (evaluation, { archive, rows }) => {
      const figures = Object.fromEntries(columns.map((column, i) => [titleColumn(column), rows.at(-1)![i]!]));
      const said = `evaluation ${evaluation} of ${params.evaluations}: ${archive.length} images, hypervolume ${figures.hypervolume!.toPrecision(4)}`;
      try {
        await progress(evaluation / params.evaluations, said, () => shrinkImage(archive[0]!.pixels), figures);
      } catch (error) {
        if (signal.aborted)
          for (const [i, { pixels, seed }] of archive.entries())
            save(await encodeBestSoFar(pixels, { prompt, seed }, i));
        throw error;
      }
    });
    try {
      const told = { ...front, remarks: [...remarks, ...front.remarks] };
      return { ...candidateOutputs(front.archive, parts), trace: buildFrontTrace(told, columns, prompt) };
    } finally {
      front.archive.forEach(disposeCandidate);
    }
  },
});

function listColumns({ rewards, watched }: ObjectiveParts): TraceColumn[] {
  return [
    { name: 'hypervolume', role: 'total' },
    ...rewards.map(({ name }) => ({ name, role: 'reward' as const })),
    ...watched.map(({ name }) => ({ name, role: 'watched' as const })),
    { name: 'members of the front', role: 'measure' },
  ];
}

function buildFrontTrace({ rows, remarks, hacks }: Front, columns: readonly TraceColumn[], prompt: string): Trace {
  const kept = [rows.length - 1];
  return { columns, values: [rows], labels: [{ prompt }], kept, remarks, ...(hacks ? { hacks } : {}) };
}
