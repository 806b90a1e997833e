import { defineNode, one, output } from '../defineNode.ts';
import { refuseLargeBatch } from '../ml/image/refuseLargeBatch.ts';
import { sampleDistribution as draw } from '../ml/optimise/sampleDistribution.ts';
import { integer, seed } from '../params.ts';

export const sampleDistribution = defineNode({
  type: 'input/sample-distribution',
  version: 1,
  title: 'Sample distribution',
  summary: 'Random noise from a distribution that was learned for a prompt (see FIND), instead of plain noise.',
  source: 'arXiv 2407.19453',
  inputs: { distribution: one('distribution') },
  params: {
    seed: seed({ initial: 0, help: 'Image i comes from seed + i alone.' }),
    count: integer({ initial: 1, min: 1, max: 1000, help: 'How many images.' }),
  },
  outputs: {
    noise: 'noise',
    prompt: output('text', { help: 'What the distribution was learned for.' }),
  },
  run({ distribution }, { seed, count }) {
    const [height, width] = distribution.mean.shape;
    refuseLargeBatch(count, width, height);
    const seeds = Array.from({ length: count }, (_, i) => (seed + i) % 2 ** 53);
    return { noise: draw(distribution, seeds), prompt: distribution.prompt };
  },
});
