import { defineNode } from '../defineNode.ts';
import { colourfulness as measure } from '../ml/image/colourfulness.ts';

export const colourfulness = defineNode({
  type: 'reward/colourfulness',
  version: 1,
  title: 'Colourfulness',
  summary:
    'How colourful an image is: a statistic of its pixels that needs no weights and knows nothing of quality or prompts. 0 is grey, 109 extremely colourful.',
  source: 'Hasler and Süsstrunk 2003, Measuring colourfulness in natural images, M(3)',
  inputs: {},
  params: {},
  outputs: { reward: 'reward' },
  run: () => ({
    reward: {
      name: 'colourfulness',
      bytes: 0,
      differentiable: true,
      usualRange: [0, 110] as const,
      score: (pixels) => measure(pixels),
      dispose: () => {},
    },
  }),
});
