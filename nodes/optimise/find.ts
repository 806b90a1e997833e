import { defineNode, type NodeContext, output } from '../defineNode.ts';
import { readLatentShape } from '../generate/shared/sizeParams.ts';
import {
  type Candidate,
  type CandidateSource,
  disposeCandidate,
  drawCandidates,
  findBrokenScore,
} from '../ml/optimise/drawCandidates.ts';
import { sampleFilters } from '../ml/optimise/filterSamples.ts';
import { find as findDistribution, startPolicy } from '../ml/optimise/find.ts';
import { buildDistribution, sampleDistribution } from '../ml/optimise/sampleDistribution.ts';
import { normalLatents } from '../ml/random.ts';
import { dispose } from '../ml/tf.ts';
import { choice, integer, number } from '../params.ts';
import type { Distribution } from '../ports.ts';
import { candidateOutputs } from './shared/candidateOutputs.ts';
import { readCandidateSource, searchImages, searchInputs, searchParams, searchTrace } from './shared/searchImages.ts';

export const find = defineNode({
  type: 'optimise/find',
  version: 1,
  title: 'FIND',
  summary:
    'Fine-tunes the distribution of the noise for one prompt by reinforcement learning, without gradients of generator or rewards, and draws images from what it learned.',
  source: 'arXiv 2407.19453, with the filters of arXiv 2409.06957',
  inputs: searchInputs,
  params: {
    iterations: integer({ initial: 100, min: 1, max: 10_000, help: 'How often the distribution is updated.' }),
    perIteration: integer({ initial: 4, min: 1, max: 256, help: 'Images drawn for each update.' }),
    learningRate: number({ initial: 0.001, min: 0, max: 1, step: 0.001, help: 'Of AdamW, for mean and deviation.' }),
    calibration: choice({
      initial: 'value network',
      options: ['value network', 'running mean'],
      help: 'What a reward is compared with: what a network expects of the distribution, or the mean of the last ones in units of their deviation.',
    }),
    filter: choice({
      initial: 'all',
      options: sampleFilters,
      help: 'Which images of an iteration teach: all, or as in PF-PPO the best (BoN), and one other (BR), and the worst (BW).',
    }),
    reuse: integer({ initial: 6, min: 0, max: 1000, help: 'How many samples of the past teach again.' }),
    clip: number({
      initial: 0.2,
      min: 0,
      max: 10,
      step: 0.05,
      help: 'How far the probability of a sample may have changed since it was drawn, as a share, and it still teaches.',
    }),
    prior: number({ initial: 0.01, min: 0, max: 100, step: 0.01, help: 'How strongly it is kept near plain noise.' }),
    samples: integer({ initial: 4, min: 1, max: 256, help: 'Images drawn from the distribution in the end.' }),
    ...searchParams,
  },
  outputs: {
    distribution: output('distribution', { help: 'What was learned.' }),
    noise: output('noise', { help: 'Drawn from it; its seeds follow those of the search.' }),
    images: output('images', { help: 'What that noise shows.' }),
    scores: output('scores', { help: 'Of these images, by the rewards and the watched ones.' }),
    bestImages: output('images', { help: 'The best images of the whole search, best first.' }),
    bestNoise: output('noise', { help: 'What they were drawn from.' }),
    bestScores: output('scores', { help: 'Their scores.' }),
    trace: output('trace', { help: 'Every iteration: means of its images, drift and spread.' }),
  },
  async run(inputs, params, context) {
    const { prompt, generator } = inputs;
    const shape = readLatentShape(generator, params);
    const source = readCandidateSource(inputs, params, shape, context.remark);
    const policy = startPolicy(shape[0] * shape[1] * shape[2]);
    const settings = { ...params, samples: params.perIteration };
    const search = findDistribution(policy, settings, (seed) => normalLatents(seed, shape));
    const found = await searchImages(source, params, { search, rounds: params.iterations }, context);
    const distribution = buildDistribution(policy.parameters, shape, prompt);
    let drawn: Candidate[] = [];
    try {
      const first = params.seed + params.iterations * params.perIteration;
      const seeds = Array.from({ length: params.samples }, (_, i) => (first + i) % 2 ** 53);
      drawn = await drawSamples(source, distribution, seeds, params.batch, context);
      const broken = drawn.map((each) => findBrokenScore(each, source)).find((each) => each !== undefined);
      const best = candidateOutputs(found.best, source);
      const trace = searchTrace(found, prompt);
      return {
        distribution,
        ...candidateOutputs(broken ? found.best : drawn, source),
        bestImages: best.images,
        bestNoise: best.noise,
        bestScores: best.scores,
        trace: broken ? { ...trace, remarks: [...trace.remarks, describeBroken(broken)] } : trace,
      };
    } catch (error) {
      dispose([distribution.mean, distribution.std]);
      throw error;
    } finally {
      [...found.best, ...drawn].forEach(disposeCandidate);
    }
  },
});

/** Images from a distribution, judged, `batch` at a time. The caller owns them. */
async function drawSamples(
  source: CandidateSource,
  distribution: Distribution,
  seeds: readonly number[],
  batch: number,
  { progress }: NodeContext,
): Promise<Candidate[]> {
  const drawn: Candidate[] = [];
  try {
    for (let start = 0; start < seeds.length; start += batch) {
      const noise = sampleDistribution(distribution, seeds.slice(start, start + batch));
      try {
        drawn.push(...(await drawCandidates(source, noise, () => progress(1, 'drawing from what was learned'))));
      } finally {
        noise.latents.dispose();
      }
    }
    return drawn;
  } catch (error) {
    drawn.forEach(disposeCandidate);
    throw error;
  }
}

function describeBroken({ name, score }: { readonly name: string; readonly score: number }): string {
  return `The images drawn from what was learned cannot be scored, because the reward "${name}" gave ${score}: the best of the search stand in their place.`;
}
