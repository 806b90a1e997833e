import {
  engine,
  mul,
  type NamedAttrMap,
  pad,
  reshape,
  step,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { defineOp } from './defineOp.ts';
import { project } from './linear.ts';

interface Conv2dOptions {
  readonly stride?: number;
  /** Zeros around the image: one number for all sides, or [top, bottom, left, right]. */
  readonly padding?: number | readonly [top: number, bottom: number, left: number, right: number];
  readonly activation?: 'relu';
}

/**
 * Two-dimensional cross-correlation, as PyTorch's Conv2d. x [N, H, W, C], w.weight [kh, kw, C, D], w.bias [D] if present
 * -> [N, H', W', D] with H' = floor((H + top + bottom - kh) / stride) + 1. The caller owns the result.
 */
export function conv2d(x: Tensor4D, w: Weights, options: Conv2dOptions = {}): Tensor4D {
  const { stride = 1, padding = 0, activation = 'linear' } = options;
  const filter = w.get('weight') as Tensor4D;
  const bias = w.has('bias') ? (w.get('bias') as Tensor1D) : undefined;
  if (filter.shape[0] === 1 && filter.shape[1] === 1 && stride === 1 && padding === 0 && activation === 'linear')
    return pointwise(x, filter, bias);
  const [top, bottom, left, right] = typeof padding === 'number' ? [padding, padding, padding, padding] : [...padding];
  const vertical = edges(x.shape[1], filter.shape[0], stride, top, bottom);
  const horizontal = edges(x.shape[2], filter.shape[1], stride, left, right);
  if (vertical.same && horizontal.same)
    return convolution({ x, filter, bias }, { strides: stride, pad: 'same', activation }) as Tensor4D;
  const paddings = [[0, 0], vertical.zeros, horizontal.zeros, [0, 0]] as [number, number][];
  const padded = paddings.flat().some((zeros) => zeros > 0) ? pad(x, paddings) : x;
  return convolution({ x: padded, filter, bias }, { strides: stride, pad: 'valid', activation }) as Tensor4D;
}

/**
 * A 1x1 convolution as the matrix product that it is. (On some processors TensorFlow 2.21's gradient of a 1x1 convolution
 * of 40 channels is wrong: oneDNN writes past its end.)
 */
function pointwise(x: Tensor4D, filter: Tensor4D, bias: Tensor1D | undefined): Tensor4D {
  const [, , from, to] = filter.shape;
  return project({ x, weight: reshape(filter, [from, to]) as Tensor2D, bias }, { transposed: false }) as Tensor4D;
}

/**
 * Zeros that a convolution really reads along one axis, and whether TensorFlow's SAME puts exactly those. (Gradients
 * know only SAME and VALID, and a separate padding costs a copy.)
 */
function edges(length: number, kernel: number, stride: number, before: number, after: number) {
  const outputs = Math.floor((length + before + after - kernel) / stride) + 1;
  const read = Math.max(0, (outputs - 1) * stride + kernel - length - before);
  const total = Math.max(0, (Math.ceil(length / stride) - 1) * stride + kernel - length);
  const same = outputs === Math.ceil(length / stride) && before === total >> 1 && read === total - before;
  return { zeros: [before, read] as const, same };
}

const convolution = defineOp('NoiseloomConvolution', {
  reads: ['x', 'filter'],
  keeps: 1,
  forward: ({ x, filter, bias }, attributes) => [
    run('FusedConv2D', bias ? { x, filter, bias } : { x, filter }, {
      ...attributes,
      dataFormat: 'NHWC',
      dilations: [1, 1],
    }),
  ],
  gradient(dy, [x, filter, y], { strides, pad, activation }) {
    const d = () => (activation === 'relu' ? mul(dy, step(y!)) : dy);
    const shared = { strides, pad, dataFormat: 'NHWC' };
    return {
      x: () => run('Conv2DBackpropInput', { dy: d(), filter: filter! }, { ...shared, inputShape: x!.shape }),
      filter: () => run('Conv2DBackpropFilter', { x: x!, dy: d() }, { ...shared, filterShape: filter!.shape }),
      bias: () => sum(d(), [0, 1, 2]),
    };
  },
});

const run = (kernel: string, inputs: Record<string, Tensor>, attributes: object): Tensor =>
  engine().runKernel<Tensor>(kernel, inputs, attributes as NamedAttrMap);
