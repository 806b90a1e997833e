import { defineNode, one } from '../defineNode.ts';
import { latentNoise } from '../ml/random.ts';
import { integer, seed } from '../params.ts';

export const noise = defineNode({
  type: 'input/noise',
  version: 1,
  title: 'Noise',
  summary: 'Random noise in the latent space of a generator, from which it draws pictures.',
  inputs: { generator: one('generator') },
  params: {
    seed: seed({
      initial: 0,
      help: 'Picture i comes from seed + i alone: the same seed gives the same noise anywhere.',
    }),
    count: integer({ initial: 1, min: 1, max: 1000, help: 'How many pictures.' }),
    width: integer({
      initial: 0,
      min: 0,
      max: 8192,
      unit: 'pixels',
      help: "Of the picture; 0 is the model's own size.",
    }),
    height: integer({
      initial: 0,
      min: 0,
      max: 8192,
      unit: 'pixels',
      help: "Of the picture; 0 is the model's own size.",
    }),
  },
  outputs: { noise: 'noise' },
  run({ generator }, { seed, count, width, height }) {
    const { defaults } = generator;
    const shape = generator.latentShape(width || defaults.width, height || defaults.height);
    const seeds = Array.from({ length: count }, (_, i) => (seed + i) % 2 ** 53);
    return { noise: { latents: latentNoise(seeds, shape), seeds } };
  },
});
