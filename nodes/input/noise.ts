import { defineNode, one } from '../defineNode.ts';
import { readLatentShape, sizeParams } from '../generate/shared/sizeParams.ts';
import { refuseLargeBatch } from '../ml/image/refuseLargeBatch.ts';
import { latentNoise } from '../ml/random.ts';
import { integer, seed } from '../params.ts';

export const noise = defineNode({
  type: 'input/noise',
  version: 1,
  title: 'Noise',
  summary: 'Random noise in the latent space of a generator, from which it draws images.',
  inputs: { generator: one('generator') },
  params: {
    seed: seed({
      initial: 0,
      help: 'Image i comes from seed + i alone: the same seed gives the same noise anywhere.',
    }),
    count: integer({ initial: 1, min: 1, max: 1000, help: 'How many images.' }),
    ...sizeParams,
  },
  outputs: { noise: 'noise' },
  run({ generator }, { seed, count, ...size }) {
    const shape = readLatentShape(generator, size);
    refuseLargeBatch(count, size.width || generator.defaults.width, size.height || generator.defaults.height);
    const seeds = Array.from({ length: count }, (_, i) => (seed + i) % 2 ** 53);
    return { noise: { latents: latentNoise(seeds, shape), seeds } };
  },
});
