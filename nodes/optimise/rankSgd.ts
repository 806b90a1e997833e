import { defineNode } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { readLatentShape } from '../generate/shared/sizeParams.ts';
import { rankSgd as searchByRank } from '../ml/optimise/rankSgd.ts';
import { normalLatents } from '../ml/random.ts';
import { boolean, choice, integer, number } from '../params.ts';
import { foundOutputs, foundPorts } from './shared/foundOutputs.ts';
import { readCandidateSource, searchImages, searchInputs, searchParams } from './shared/searchImages.ts';

export const rankSgd = defineNode({
  type: 'optimise/rank-sgd',
  version: 2,
  title: 'ZO-RankSGD',
  summary:
    'Searches for better noise by asking only which of some images are better: no gradients, and the scale of the rewards does not matter.',
  source: 'arXiv 2303.03751',
  inputs: searchInputs,
  params: {
    rounds: integer({
      initial: 12,
      min: 1,
      max: 10_000,
      help: 'Each draws the queries, and then points along a line: two fewer, or as many where steps have a length.',
    }),
    queries: integer({
      initial: 6,
      min: 3,
      max: 256,
      help: 'Images around where the search is, and along each line.',
    }),
    ranked: integer({
      initial: 3,
      min: 1,
      max: 255,
      help: 'How many of the queries are ranked; the others are just worse.',
    }),
    smoothing: number({
      initial: 0.2,
      min: 0,
      max: 10,
      step: 0.05,
      help: 'How far queries lie, in deviations of noise.',
    }),
    step: choice({
      initial: 'estimate',
      options: ['estimate', 'length'],
      help: 'What a step is: as in the paper, a multiple of the mean of the directions found since the last move; or of a length, in the direction of their sum.',
    }),
    stepSize: number({
      initial: 2,
      min: 0,
      max: 100,
      step: 0.1,
      help: 'Of the longest step: eta times the smoothing for an estimate (2 is about 1.6 lengths of the noise), or lengths of the noise.',
    }),
    sphere: boolean({
      initial: true,
      help: 'After each move the noise is set back to the length that noise has.',
    }),
    ...searchParams,
  },
  upgrades: {
    1: (params) => ({ stepSize: 0.5, ...params, step: 'length', sphere: false }),
  },
  outputs: foundPorts,
  async run(inputs, params, context) {
    if (params.ranked >= params.queries) {
      const message = `${params.ranked} of ${params.queries} queries cannot be ranked; set ranked below queries.`;
      throw new UserError('BAD_PARAM', message, { at: { param: 'ranked' } });
    }
    const shape = readLatentShape(inputs.generator, params);
    const start = normalLatents(params.seed, shape);
    const source = readCandidateSource(inputs, params, shape, context.remark);
    const plan = { search: searchByRank(start, params), rounds: 2 * params.rounds + 1 };
    return foundOutputs(await searchImages(source, params, plan, context), source);
  },
});
