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
  version: 2,
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
      help: 'The a of the steps, times the estimated gradient: for latents; the source has 0.01 for the weights of a network.',
    }),
    perturbation: number({
      initial: 0.2,
      min: 0.001,
      max: 10,
      step: 0.05,
      help: 'The c of the pairs: how far the first are moved; far enough that rewards differ.',
    }),
    momentum: number({ initial: 0.9, min: 0, max: 0.999, step: 0.05, help: 'How much of the last steps goes on.' }),
    sphere: number({
      initial: 1,
      min: 0,
      max: 1,
      step: 0.1,
      help: 'How much of the way back to the length that noise has each noise goes: 0 stays where it was moved.',
    }),
    offset: number({
      initial: 1,
      min: 0,
      max: 10_000,
      step: 1,
      help: 'The o of the step a / (k + o)^alpha, k = 1, 2, ...',
    }),
    stepDecay: number({ initial: 0.4, min: 0, max: 2, step: 0.1, help: 'The alpha of the step; 0 stays as long.' }),
    perturbationDecay: number({
      initial: 0.1,
      min: 0,
      max: 2,
      step: 0.1,
      help: 'The gamma of the perturbation c / k^gamma; 0 stays as wide.',
    }),
    ...searchParams,
  },
  upgrades: { 1: (params) => ({ ...params, sphere: 0 }) },
  outputs: foundPorts,
  async run(inputs, params, context) {
    const shape = readLatentShape(inputs.generator, params);
    const source = readCandidateSource(inputs, params, shape, context.remark);
    const search = searchByPairs(normalLatents(params.seed, shape), coarseGrid(shape, params.block), params);
    const found = await searchImages(source, params, { search, rounds: params.iterations + 1 }, context);
    return foundOutputs(found, source);
  },
});
