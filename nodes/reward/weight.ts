import { defineNode, one } from '../defineNode.ts';
import { number } from '../params.ts';

export const weight = defineNode({
  type: 'reward/weight',
  version: 1,
  title: 'Weight',
  summary:
    'Says how much a reward counts where an optimiser adds several up. Its own scores stay what they are. ReNO weighs HPSv2.1 by 5, ImageReward by 1, CLIP (logits) by 0.01 and PickScore by 0.05.',
  source: 'arXiv 2406.04312, section 3.3',
  inputs: { reward: one('reward') },
  params: {
    weight: number({
      initial: 1,
      min: -1000,
      max: 1000,
      step: 0.1,
      help: 'Multiplies the reward in the sum: more for what matters more, below 0 to avoid what it likes.',
    }),
  },
  outputs: { reward: 'reward' },
  run: ({ reward }, { weight }) => ({
    reward: {
      name: reward.name,
      bytes: 0,
      uses: [reward],
      differentiable: reward.differentiable,
      usualRange: reward.usualRange,
      ...(reward.unreadPart && { unreadPart: reward.unreadPart }),
      weight,
      score: (pixels, prompts) => reward.score(pixels, prompts),
      dispose: () => {},
    },
  }),
});
