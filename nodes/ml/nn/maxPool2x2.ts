import { cast, equal, image, maxPool, mul, pad, slice, type Tensor, type Tensor4D } from '../tf.ts';
import { defineOp } from './defineOp.ts';

/**
 * The largest value of every 2 x 2 square; a last odd row or column is dropped, as PyTorch's MaxPool2d(2) does.
 * [N, H, W, C] -> [N, floor(H / 2), floor(W / 2), C]. Values that tie for the largest all get the gradient. The caller
 * owns the result.
 */
export const maxPool2x2 = (x: Tensor4D): Tensor4D => pool({ x }) as Tensor4D;

const pool = defineOp('NoiseloomMaxPool', {
  reads: ['x'],
  keeps: 1,
  forward: ({ x }) => [maxPool(x, 2, 2, 'valid')],
  gradient: (dy, [x, y]) => ({
    x: () => {
      const [n, height, width, channels] = (x as Tensor4D).shape;
      const [h, w] = [(y as Tensor4D).shape[1], (y as Tensor4D).shape[2]];
      const enlarged = (small: Tensor) => image.resizeNearestNeighbor(small as Tensor4D, [2 * h, 2 * w]);
      const covered = slice(x as Tensor4D, [0, 0, 0, 0], [n, 2 * h, 2 * w, channels]);
      const largest = cast(equal(covered, enlarged(y!)), 'float32');
      return pad(mul(enlarged(dy), largest), [
        [0, 0],
        [0, height - 2 * h],
        [0, width - 2 * w],
        [0, 0],
      ]);
    },
  }),
});
