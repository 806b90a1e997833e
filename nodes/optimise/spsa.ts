import { defineNode } from '../defineNode.ts';
import { readLatentShape } from '../generate/shared/sizeParams.ts';
import { coarseGrid } from '../ml/optimise/coarseNoise.ts';
import { spsa as searchByPairs } from '../ml/optimise/spsa.ts';
import { normalLatents } from '../ml/random.ts';
import { integer, number } from '../params.ts';
import { foundOutputs, foundPorts } from './shared/foundOutputs.ts';
import { readCandidateSource, searchImages, searchInputs, searchParams } from './shared/searchImages.ts';

export const spsa = defineNode({
  type: 'optimise/spsa',
  version: 1,
  title: 'SPSA',
  summary:
    'Estimates the gradient of rewards from pairs of images whose noise was moved in opposite directions, and follows it with momentum: needs no gradient of the models.',
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
      help: 'Side of the squares of noise that move together: larger means fewer coordinates to estimate a gradient in.',
    }),
    stepSize: number({
      initial: 0.2,
      min: 0,
      max: 1000,
      step: 0.05,
      help: 'Of the first step, times the estimated gradient.',
    }),
    perturbation: number({ initial: 0.2, min: 0.001, max: 10, step: 0.05, help: 'How far the first pairs are moved.' }),
    momentum: number({ initial: 0.9, min: 0, max: 0.999, step: 0.05, help: 'How much of the last steps goes on.' }),
    ...searchParams,
  },
  outputs: foundPorts,
  async run(inputs, params, context) {
    const shape = readLatentShape(inputs.generator, params);
    const source = readCandidateSource(inputs, params);
    const search = searchByPairs(normalLatents(params.seed, shape), coarseGrid(shape, params.block), params);
    const found = await searchImages(source, params, { search, rounds: params.iterations + 1 }, context);
    return foundOutputs(found, source);
  },
});
