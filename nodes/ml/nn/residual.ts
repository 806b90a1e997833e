import { add, clone, reshape, sum, type Tensor, type Tensor2D, type Tensor4D } from '../tf.ts';
import { defineOp } from './defineOp.ts';

/** a + b of one shape. (`add` of TensorFlow.js spends two reshapes in its gradient to undo a broadcast.) */
export const residual = <T extends Tensor>(a: T, b: T): T => sumOp({ a, b }) as T;

/** x + offset, one number for each image and channel. x [N, H, W, C], offset [N, C] -> [N, H, W, C] */
export const addPerImage = (x: Tensor4D, offset: Tensor2D): Tensor4D => offsetOp({ x, offset }) as Tensor4D;

const sumOp = defineOp('NoiseloomResidual', {
  forward: ({ a, b }) => [add(a, b)],
  gradient: (dy) => ({ a: () => clone(dy), b: () => clone(dy) }),
});

const offsetOp = defineOp('NoiseloomAddPerImage', {
  forward: ({ x, offset }) => [add(x, reshape(offset, [x.shape[0], 1, 1, x.shape[3]]))],
  gradient: (dy) => ({ x: () => clone(dy), offset: () => sum(dy, [1, 2]) }),
});
