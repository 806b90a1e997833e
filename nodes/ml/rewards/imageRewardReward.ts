import type { Reward } from '../../ports.ts';
import { clipTransform } from '../image/clipTransform.ts';
import type { LoadedImageReward } from '../models/load/loadImageReward.ts';
import { tidy } from '../tf.ts';

/** ImageReward as a reward. It owns `model`. */
export function imageRewardReward(model: LoadedImageReward): Reward {
  return {
    name: 'ImageReward',
    bytes: model.bytes,
    differentiable: true,
    usualRange: [-2, 2],
    unreadPart: model.unreadPart,
    score: (pixels, prompts) =>
      tidy(() => {
        const images = model.encodeImage(clipTransform(pixels, model.imageSize)); // [N, S, D]
        return model.judge(model.readPrompts(prompts, images));
      }),
    dispose: model.dispose,
  };
}
