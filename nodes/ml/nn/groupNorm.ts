import {
  add,
  concat,
  mul,
  reshape,
  rsqrt,
  sigmoid,
  split,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tile,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { siluGradient } from './activations.ts';
import { defineGradientOp, defineOp } from './defineOp.ts';
import type { GroupNormAttributes, Ops } from './ops.ts';

/**
 * Group normalisation: every group of C / groups neighbouring channels of one image gets mean 0 and variance 1, then
 * each channel its own scale and offset, and all of it goes through SiLU where that is the activation. x [N, H, W, C],
 * w.weight [C], w.bias [C]. The caller owns the result. Source: arXiv 1803.08494, equations 1 and 6
 */
export function groupNorm(
  x: Tensor4D,
  w: Weights,
  groups: number,
  eps: number,
  activation: 'linear' | 'silu' = 'linear',
): Tensor4D {
  const [scale, offset] = [w.get('weight') as Tensor1D, w.get('bias') as Tensor1D];
  return normalise({ x, scale, offset }, { groups, eps, activation }) as Tensor4D;
}

type GradientInputs = Ops['NoiseloomGroupNormGradient']['inputs'];

/**
 * Passes over the whole tensor are what costs, so statistics are taken per channel (a fast reduction) and joined per
 * group on [N, C] values; both passes then work with one factor a channel.
 *
 *   m  mean of the group        r  1 / standard deviation of the group        k  values in a group
 *   z  = (x - m) r scale + offset,   y = z or silu(z),   dz = dy or dy silu'(z)
 *   dx = r scale dz + r (a + b r (x - m)),   a = -1/k sum scale dz,   b = -1/k sum scale dz (x - m) r   over the group
 */
const normalise = defineOp('NoiseloomGroupNorm', {
  reads: ['x', 'scale', 'offset'],
  keeps: 3,
  forward({ x, scale, offset }, { groups, eps, activation }) {
    const k = x.size / (x.shape[0] * groups);
    const m = mul(overGroups(sum(x, [1, 2]), groups), 1 / k); // [N, 1, 1, C]
    const centred = sub(x, m);
    const variance = mul(overGroups(sum(square(centred), [1, 2]), groups), 1 / k);
    const r = rsqrt(add(variance, eps)); // [N, 1, 1, C]
    const z = add(mul(centred, mul(r, scale)), offset);
    return [activation === 'silu' ? mul(z, sigmoid(z)) : z, m, r];
  },
  gradient(dy, [x, scale, offset, _y, m, r], attributes) {
    const inputs = { dy, x, scale, offset, m, r } as unknown as GradientInputs;
    return {
      x: () => normaliseGradient(inputs, attributes)[0],
      scale: () => weightGradients(inputs, attributes)[0],
      offset: () => weightGradients(inputs, attributes)[1],
    };
  },
});

const gradientInputs = ['dy', 'x', 'scale', 'offset', 'm', 'r'] as const;

const weightGradients = defineGradientOp('NoiseloomGroupNormWeightGradients', gradientInputs, (inputs, attributes) => {
  const { dScale, dOffset } = channelSums(beforeActivation(inputs, attributes), inputs);
  return [sum(dScale, [0, 1, 2]), sum(dOffset, [0, 1, 2])];
});

const normaliseGradient = defineGradientOp('NoiseloomGroupNormGradient', gradientInputs, (inputs, attributes) => {
  const { x, scale, m, r } = inputs;
  const { groups } = attributes;
  const k = x.size / (x.shape[0] * groups);
  const dz = beforeActivation(inputs, attributes);
  const { dOffset, dScale } = channelSums(dz, inputs);
  const both = mul(concat([dOffset, dScale], 0), mul(scale, -1 / k)); // [2 N, 1, 1, C]
  const [a, b] = split(overGroups(both, groups), 2) as [Tensor, Tensor]; // [N, 1, 1, C]
  const slope = mul(square(r), b);
  const level = sub(mul(r, a), mul(slope, m));
  return [add(add(mul(dz, mul(r, scale)), mul(x, slope)), level)];
});

/** dz, of the shape of x */
function beforeActivation({ dy, x, scale, offset, m, r }: GradientInputs, { activation }: GroupNormAttributes): Tensor {
  if (activation === 'linear') return dy;
  return siluGradient({ dy, x: add(mul(sub(x, m), mul(r, scale)), offset) })[0];
}

/** What scale and offset of each channel of each image would get, [N, 1, 1, C]. */
function channelSums(dz: Tensor, { x, m, r }: GradientInputs): { dScale: Tensor; dOffset: Tensor } {
  const dOffset = sum(dz, [1, 2], true);
  return { dOffset, dScale: mul(sub(sum(mul(dz, x), [1, 2], true), mul(m, dOffset)), r) };
}

/** Adds up one value a channel over each group, and gives the sum to each of its channels: [N, .., C] -> [N, 1, 1, C]. */
function overGroups(perChannel: Tensor, groups: number): Tensor {
  const [batch, channels] = [perChannel.shape[0]!, perChannel.shape.at(-1)!];
  const width = channels / groups;
  const sums = sum(reshape(perChannel, [batch, groups, width]), 2, true); // [N, groups, 1]
  return reshape(tile(sums, [1, 1, width]), [batch, 1, 1, channels]);
}
