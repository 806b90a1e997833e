import { defineNode } from '../defineNode.ts';
import { latentShapeOf } from '../generate/shared/sizeParams.ts';
import { coarseGrid } from '../ml/optimise/coarseNoise.ts';
import { spsa as climbByPairs } from '../ml/optimise/spsa.ts';
import { normalLatents } from '../ml/random.ts';
import { integer, number } from '../params.ts';
import { foundOutputs, foundPorts } from './shared/foundOutputs.ts';
import { contestOf, searchImages, searchInputs, searchParams } from './shared/searchImages.ts';

export const spsa = defineNode({
  type: 'optimise/spsa',
  version: 1,
  title: 'SPSA',
  summary:
    'Estimates the slope of rewards from pairs of images whose noise was moved this way and that, and climbs it with momentum: no gradients needed.',
  source: 'SPSA-GC, arXiv 2303.14773',
  inputs: searchInputs,
  params: {
    iterations: integer({ initial: 20, min: 1, max: 10_000, help: 'How many steps.' }),
    pairs: integer({ initial: 5, min: 1, max: 128, help: 'Pairs of images for each step.' }),
    block: integer({
      initial: 4,
      min: 1,
      max: 1024,
      unit: 'latent pixels',
      help: 'Side of the squares of noise that move together: larger means fewer coordinates to find a slope in.',
    }),
    stepSize: number({ initial: 0.2, min: 0, max: 1000, step: 0.05, help: 'Of the first step, times the slope.' }),
    perturbation: number({ initial: 0.2, min: 0.001, max: 10, step: 0.05, help: 'How far the first pairs are moved.' }),
    momentum: number({ initial: 0.9, min: 0, max: 0.999, step: 0.05, help: 'How much of the last steps goes on.' }),
    ...searchParams,
  },
  outputs: foundPorts,
  async run(inputs, params, context) {
    const shape = latentShapeOf(inputs.generator, params);
    const contest = contestOf(inputs, params);
    const search = climbByPairs(normalLatents(params.seed, shape), coarseGrid(shape, params.block), params);
    const found = await searchImages(contest, params, { search, rounds: params.iterations + 1 }, context);
    return foundOutputs(found, contest);
  },
});
