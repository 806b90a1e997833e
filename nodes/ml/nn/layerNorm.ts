import { add, mean, mul, rsqrt, square, sub, sum, type Tensor, type Tensor1D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { defineGradientOp, defineOp } from './defineOp.ts';

/**
 * Layer normalisation: mean 0 and variance 1 along the last axis, then scale and offset.
 * x [..., C], w.weight [C], w.bias [C]. The caller owns the result. Source: arXiv 1607.06450, equation 4
 */
export function layerNorm<T extends Tensor>(x: T, w: Weights, eps: number): T {
  const [scale, offset] = [w.get('weight') as Tensor1D, w.get('bias') as Tensor1D];
  return normalise({ x, scale, offset }, { eps }) as T;
}

/** m mean, r 1 / standard deviation, z = (x - m) r, g = scale dy:  dx = r (g - mean(g) - z mean(g z)). */
const normalise = defineOp('NoiseloomLayerNorm', {
  reads: ['x', 'scale'],
  keeps: 3,
  forward({ x, scale, offset }, { eps }) {
    const m = mean(x, -1, true);
    const centred = sub(x, m);
    const r = rsqrt(add(mean(square(centred), -1, true), eps));
    return [add(mul(mul(centred, r), scale), offset), m, r];
  },
  gradient(dy, [x, scale, _y, m, r]) {
    return {
      x: () => normaliseGradient({ dy, x: x!, scale: scale!, m: m!, r: r! })[0],
      scale: () => scaleGradient({ dy, x: x!, m: m!, r: r! })[0],
      offset: () => sumOfRows(dy),
    };
  },
});

/** [..., C] -> [C] */
const sumOfRows = (x: Tensor): Tensor =>
  sum(
    x,
    x.shape.slice(0, -1).map((_, axis) => axis),
  );

const scaleGradient = defineGradientOp('NoiseloomLayerNormScaleGradient', ['dy', 'x', 'm', 'r'], ({ dy, x, m, r }) => [
  sumOfRows(mul(dy, mul(sub(x, m), r))),
]);

const normaliseGradient = defineGradientOp(
  'NoiseloomLayerNormGradient',
  ['dy', 'x', 'scale', 'm', 'r'],
  ({ dy, x, scale, m, r }) => {
    const [z, g] = [mul(sub(x, m), r), mul(dy, scale)];
    const along = mul(z, mean(mul(g, z), -1, true));
    return [mul(sub(sub(g, mean(g, -1, true)), along), r)];
  },
);
