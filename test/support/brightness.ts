import { mean, type Tensor1D } from '../../nodes/ml/tf.ts';
import type { Reward } from '../../nodes/ports.ts';

/** A reward simple enough to compute by hand: the mean of all values of an image. */
export const brightness: Reward = {
  name: 'brightness',
  bytes: 0,
  differentiable: true,
  usualRange: [0, 1],
  score: (pixels) => mean(pixels, [1, 2, 3]) as Tensor1D,
  dispose: () => {},
};
