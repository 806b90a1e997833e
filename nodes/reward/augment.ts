import { defineNode, one } from '../defineNode.ts';
import { drawViews, seeThrough, type View } from '../ml/rewards/augmentedViews.ts';
import { mean, stack, type Tensor1D, tidy } from '../ml/tf.ts';
import { integer, number, seed } from '../params.ts';

export const augment = defineNode({
  type: 'reward/augment',
  version: 1,
  title: 'Augmented reward',
  summary:
    'The mean of a reward over several views of each image, shifted and noisy: what raises it has to be there in all of them, so an optimiser finds fewer patterns that please the reward alone. Takes as many times longer as there are views.',
  source: 'AugCLIP of FuseDream, arXiv 2112.01573; here with shifts and noise alone',
  inputs: { reward: one('reward') },
  params: {
    views: integer({ initial: 4, min: 1, max: 64, help: 'More are harder to deceive, and take longer.' }),
    shift: number({
      initial: 0.06,
      min: 0,
      max: 0.5,
      step: 0.01,
      help: 'How far a view is moved at the most, as a share of each side.',
    }),
    noise: number({
      initial: 0.1,
      min: 0,
      max: 1,
      step: 0.05,
      help: 'Standard deviation of the noise in a view, where pixels lie between 0 and 1.',
    }),
    seed: seed({ initial: 0, help: 'Which views; they stay the same throughout a run.' }),
  },
  outputs: { reward: 'reward' },
  run({ reward }, settings) {
    const drawn = new Map<string, readonly View[]>();
    const chooseViews = (height: number, width: number) => {
      const size = `${height}x${width}`;
      const views = drawn.get(size) ?? drawViews([height, width], settings);
      drawn.set(size, views);
      return views;
    };
    return {
      reward: {
        name: `${reward.name}, augmented`,
        bytes: 0,
        uses: [reward],
        differentiable: reward.differentiable,
        usualRange: reward.usualRange,
        ...(reward.unreadPart && { unreadPart: reward.unreadPart }),
        ...(reward.weight !== undefined && { weight: reward.weight }),
        // one view at a time, because a reward may hold one reference for each image
        score: (pixels, prompts) =>
          tidy(() => {
            const [, height, width] = pixels.shape;
            const scores = chooseViews(height, width).map((view) => reward.score(seeThrough(view, pixels), prompts));
            return mean(stack(scores), 0) as Tensor1D;
          }),
        dispose: () => {},
      },
    };
  },
});
