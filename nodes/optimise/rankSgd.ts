import { defineNode } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { readLatentShape } from '../generate/shared/sizeParams.ts';
import { rankSgd as searchByRank } from '../ml/optimise/rankSgd.ts';
import { normalLatents } from '../ml/random.ts';
import { integer, number } from '../params.ts';
import { foundOutputs, foundPorts } from './shared/foundOutputs.ts';
import { readCandidateSource, searchImages, searchInputs, searchParams } from './shared/searchImages.ts';

export const rankSgd = defineNode({
  type: 'optimise/rank-sgd',
  version: 1,
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
      help: 'Each draws twice as many images as there are queries.',
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
    stepSize: number({ initial: 0.5, min: 0, max: 10, step: 0.1, help: 'The longest step, in lengths of the noise.' }),
    ...searchParams,
  },
  outputs: foundPorts,
  async run(inputs, params, context) {
    if (params.ranked >= params.queries) {
      const message = `${params.ranked} of ${params.queries} queries cannot be ranked; set ranked below queries.`;
      throw new UserError('BAD_PARAM', message, { at: { param: 'ranked' } });
    }
    const start = normalLatents(params.seed, readLatentShape(inputs.generator, params));
    const source = readCandidateSource(inputs, params);
    const plan = { search: searchByRank(start, params), rounds: 2 * params.rounds + 1 };
    return foundOutputs(await searchImages(source, params, plan, context), source);
  },
});
