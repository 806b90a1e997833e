import { clone, stridedSlice, type Tensor, type Tensor4D, transpose } from '../tf.ts';
import type { GoldenTensor } from './family.ts';

/** PyTorch's [N, C, H, W] -> [N, H, W, C]. The caller owns the result. */
export function channelsLast(tensor: Tensor): Tensor4D {
  return transpose(tensor as Tensor4D, [0, 2, 3, 1]);
}

/** [N, H, W, C] -> PyTorch's [N, C, H, W]. The caller owns the result. */
export function channelsFirst(tensor: Tensor): Tensor4D {
  return transpose(tensor as Tensor4D, [0, 3, 1, 2]);
}

/** Every `stride`-th row and column of [N, C, H, W], `[..., ::stride, ::stride]`. The caller owns the result. */
export function thinned(tensor: Tensor, stride: number): Tensor {
  return stride === 1 ? clone(tensor) : stridedSlice(tensor, [0, 0, 0, 0], tensor.shape, [1, 1, stride, stride]);
}

/**
 * With what stride golden files store a tensor [N, C, H, W]: what the row's description states ("every 2nd row and
 * column"), or else the smallest that gives the row's shape.
 */
export function readStride(tensor: Tensor, row: GoldenTensor): number {
  const [height, width] = tensor.shape.slice(-2) as [number, number];
  const fits = (k: number) => Math.ceil(height / k) === row.shape.at(-2) && Math.ceil(width / k) === row.shape.at(-1);
  const stated = Number(/every (\d+)/.exec(row.description)?.[1] ?? 1);
  if (fits(stated)) return stated;
  let stride = 1;
  while (!fits(stride) && stride < Math.max(height, width)) stride++;
  return stride;
}
