import { defineNode } from '../defineNode.ts';
import { readLatentShape } from '../generate/shared/sizeParams.ts';
import { population as search } from '../ml/optimise/population.ts';
import { normalLatents } from '../ml/random.ts';
import { integer, number } from '../params.ts';
import { foundOutputs, foundPorts } from './shared/foundOutputs.ts';
import { readCandidateSource, searchImages, searchInputs, searchParams } from './shared/searchImages.ts';

export const population = defineNode({
  type: 'optimise/population',
  version: 1,
  title: 'Population (PBT)',
  summary:
    'A population of noises improves move by move; the worst take over from the best, and learn on the way how far a move should go: no gradients needed.',
  source: 'Population Based Training, arXiv 1711.09846, of noise in place of weights',
  inputs: searchInputs,
  params: {
    rounds: integer({ initial: 12, min: 1, max: 10_000, help: 'In each, every member draws one image.' }),
    members: integer({ initial: 8, min: 2, max: 256, help: 'How many noises there are at once.' }),
    reach: number({
      initial: 0.3,
      min: 0.01,
      max: 1,
      step: 0.05,
      help: 'The share of fresh noise in a move. Members begin with a quarter of it to four times as much, and adapt.',
    }),
    interval: integer({
      initial: 3,
      min: 1,
      max: 1000,
      unit: 'rounds',
      help: 'How often the worst quarter takes over from the best.',
    }),
    ...searchParams,
  },
  outputs: foundPorts,
  async run(inputs, params, context) {
    const shape = readLatentShape(inputs.generator, params);
    const source = readCandidateSource(inputs, params, shape, context.remark);
    const plan = { search: search((seed) => normalLatents(seed, shape), params), rounds: params.rounds + 1 };
    return foundOutputs(await searchImages(source, params, plan, context), source);
  },
});
