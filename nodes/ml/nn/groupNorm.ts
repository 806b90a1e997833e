import {
  add,
  concat,
  mul,
  reshape,
  rsqrt,
  split,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tidy,
  tile,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { defineOp } from './defineOp.ts';

/**
 * Group normalisation: every group of C / groups neighbouring channels of one picture gets mean 0 and variance 1, then
 * each channel its own scale and offset. x [N, H, W, C], w.weight [C], w.bias [C]. The caller owns the result.
 * Source: arXiv 1803.08494, equations 1 and 6
 */
export function groupNorm(x: Tensor4D, w: Weights, groups: number, eps: number): Tensor4D {
  const [scale, offset] = [w.get('weight') as Tensor1D, w.get('bias') as Tensor1D];
  return normalise({ x, scale, offset }, { groups, eps }) as Tensor4D;
}

/**
 * Passes over the whole tensor are what costs, so statistics are taken per channel (a fast reduction) and joined per
 * group on [N, C] values; both passes then work with one factor a channel.
 *
 *   m  mean of the group        r  1 / standard deviation of the group        k  values in a group
 *   y  = (x - m) r scale + offset
 *   dx = r scale dy + r (a + b r (x - m)),   a = -1/k sum scale dy,   b = -1/k sum scale dy (x - m) r   over the group
 */
const normalise = defineOp<{ x: Tensor4D; scale: Tensor1D; offset: Tensor1D }, { groups: number; eps: number }>({
  name: 'NoiseloomGroupNorm',
  reads: ['x', 'scale'],
  keeps: 3,
  forward({ x, scale, offset }, { groups, eps }) {
    const k = x.size / (x.shape[0] * groups);
    const m = mul(overGroups(sum(x, [1, 2]), groups), 1 / k); // [N, 1, 1, C]
    const centred = sub(x, m);
    const variance = mul(overGroups(sum(square(centred), [1, 2]), groups), 1 / k);
    const r = rsqrt(add(variance, eps)); // [N, 1, 1, C]
    return [add(mul(centred, mul(r, scale)), offset), m, r];
  },
  gradient(dy, [x, scale, _y, m, r], { groups }) {
    const [inputs, mean, inverse] = [x as Tensor4D, m as Tensor4D, r as Tensor4D];
    const k = inputs.size / (inputs.shape[0] * groups);
    const { dOffset, dScale } = tidy(() => {
      const dOffset = sum(dy, [1, 2], true); // [N, 1, 1, C]
      return { dOffset, dScale: mul(sub(sum(mul(dy, inputs), [1, 2], true), mul(mean, dOffset)), inverse) };
    });
    return {
      x: () => {
        const both = mul(concat([dOffset, dScale], 0), mul(scale as Tensor1D, -1 / k)); // [2 N, 1, 1, C]
        const [a, b] = split(overGroups(both, groups), 2) as [Tensor, Tensor]; // [N, 1, 1, C]
        const slope = mul(square(inverse), b);
        const level = sub(mul(inverse, a), mul(slope, mean));
        return add(add(mul(dy, mul(inverse, scale as Tensor1D)), mul(inputs, slope)), level);
      },
      scale: () => sum(dScale, [0, 1, 2]),
      offset: () => sum(dOffset, [0, 1, 2]),
    };
  },
});

/** Adds up one value a channel over each group, and gives the sum to each of its channels: [N, .., C] -> [N, 1, 1, C]. */
function overGroups(perChannel: Tensor, groups: number): Tensor {
  const [batch, channels] = [perChannel.shape[0] as number, perChannel.shape.at(-1) as number];
  const width = channels / groups;
  const sums = sum(reshape(perChannel, [batch, groups, width]), 2, true); // [N, groups, 1]
  return reshape(tile(sums, [1, 1, width]), [batch, 1, 1, channels]);
}
