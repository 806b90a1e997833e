import { defineNode, one } from '../defineNode.ts';
import { clone, neg, type Tensor1D, tidy } from '../ml/tf.ts';
import { choice } from '../params.ts';

export const asReward = defineNode({
  type: 'consistency/as-reward',
  version: 1,
  title: 'Consistency as reward',
  summary:
    'A reward for keeping to a condition image, so that optimisers can follow it: minus the loss, which has a gradient, or the metric (turned round where lower is better). Losses are small (0.01 to 0.2): weigh one 5 to 20 times beside other rewards.',
  source: 'arXiv 2404.07987 (ControlNet++), equation 4',
  inputs: {
    consistency: one('consistency'),
    reference: one('images', { help: 'The condition image: one for all images, or one for each.' }),
  },
  params: {
    by: choice({
      initial: 'loss',
      options: ['loss', 'metric'],
      help: 'What is rewarded; only the loss has a gradient.',
    }),
  },
  outputs: { reward: 'reward' },
  run({ consistency, reference }, { by }) {
    const { name, metric, differentiable, loss, measure } = consistency;
    const image = clone(reference.pixels);
    const turned = by === 'loss' || metric.best === 'lowest';
    const compare = by === 'loss' ? loss : measure;
    return {
      reward: {
        name: `${name} ${by === 'loss' ? 'kept' : metric.name}`,
        bytes: image.size * 4,
        uses: [consistency],
        differentiable: differentiable && by === 'loss',
        usualRange: readRange(by, metric.name),
        score: (pixels) => tidy(() => (turned ? neg(compare(pixels, image)) : compare(pixels, image))) as Tensor1D,
        dispose: () => image.dispose(),
      },
    };
  },
});

function readRange(by: 'loss' | 'metric', metric: string): readonly [low: number, high: number] {
  if (by === 'loss') return [-0.5, 0];
  return metric === 'RMSE' ? [-255, 0] : [0, 1];
}
