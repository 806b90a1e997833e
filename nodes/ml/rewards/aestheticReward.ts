import type { Reward } from '../../ports.ts';
import { clipTransform } from '../image/clipTransform.ts';
import type { LoadedAesthetic } from '../models/load/loadAesthetic.ts';
import { tidy } from '../tf.ts';
import { aestheticScore } from './aestheticScore.ts';

/** LAION's aesthetic predictor as a reward; it ignores the prompt. It owns `model`. */
export function aestheticReward({ clip, head, dispose }: LoadedAesthetic): Reward {
  const { size, ...transform } = clip.preprocessing;
  return {
    name: 'aesthetic',
    bytes: clip.bytes + head.bytes,
    differentiable: true,
    usualRange: [4, 7],
    score: (pixels) =>
      tidy(() => aestheticScore(clip.encodeImage(clipTransform(pixels, size, transform)).imageEmbeds, head)),
    dispose,
  };
}
