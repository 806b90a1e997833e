import { add, clone, matMul, reshape, sum, type Tensor, type Tensor1D, type Tensor2D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { defineOp } from './defineOp.ts';
import type { Ops } from './ops.ts';

/** y = x W^T + b on the last axis. x [..., in], w.weight [out, in], w.bias [out] if present. The caller owns the result. */
export function linear<T extends Tensor>(x: T, w: Weights): T {
  const weight = w.get('weight') as Tensor2D;
  const bias = w.has('bias') ? (w.get('bias') as Tensor1D) : undefined;
  return project({ x, weight, bias }, { transposed: true }) as T;
}

/**
 * y = x W + b on the last axis, with a weight [in, out], or [out, in] where it is `transposed`. The caller owns the result.
 */
export const project: (
  inputs: Ops['NoiseloomLinear']['inputs'],
  attributes: Ops['NoiseloomLinear']['attributes'],
) => Tensor = defineOp('NoiseloomLinear', {
  reads: ['x', 'weight'],
  forward({ x, weight, bias }, { transposed }) {
    const product = matMul(rows(x), weight, false, transposed); // [rows, out]
    const y = bias ? add(product, bias) : product;
    return [x.rank === 2 ? y : reshape(y, [...x.shape.slice(0, -1), product.shape[1]!])];
  },
  gradient(dy, [x, weight], { transposed }) {
    return {
      x: () => project({ x: dy, weight: weight as Tensor2D }, { transposed: !transposed }),
      weight: () => (transposed ? matMul(rows(dy), rows(x!), true, false) : matMul(rows(x!), rows(dy), true, false)),
      bias: () => sum(rows(dy), 0),
    };
  },
});

/** start + a b of matrices [M, N], [M, K] and [K, N], in one pass over memory where a device can. The caller owns the result. */
export const addProduct: (inputs: Ops['NoiseloomAddProduct']['inputs']) => Tensor = defineOp('NoiseloomAddProduct', {
  reads: ['a', 'b'],
  forward: ({ start, a, b }) => [add(start, matMul(a, b))],
  gradient: (dy, [a, b]) => ({
    start: () => clone(dy),
    a: () => matMul(rows(dy), b as Tensor2D, false, true),
    b: () => matMul(a as Tensor2D, rows(dy), true, false),
  }),
});

const rows = (x: Tensor): Tensor2D => (x.rank === 2 ? (x as Tensor2D) : reshape(x, [-1, x.shape[x.rank - 1]!]));
