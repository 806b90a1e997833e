import { UserError } from '../../errors.ts';
import { silu } from '../nn/activations.ts';
import { conv2d } from '../nn/conv2d.ts';
import { plainly, recompute } from '../nn/recompute.ts';
import { add, concat, mul, sigmoid, type Tensor4D, tidy } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import type { MemoryOptions } from './unetBlocks.ts';

/** A place of a U-Net where a ControlNet acts: the middle block, or one where the decoder takes a skip connection. */
export interface Junction {
  /** 0 is the middle block, then the skip connections in the order in which they are taken. */
  readonly index: number;
  /** [N, h, w, H]: the middle block's output, or what the skip connection is joined to. */
  readonly hidden: Tensor4D;
  /** [N, h, w, C]; absent at the middle block. */
  readonly skip?: Tensor4D;
  /** The ControlNet's, as the skip connection or else the hidden state. */
  readonly residual: Tensor4D;
}

/** The share of a residual that counts at a junction, [N, h, w, 1] in [0, 1]. The caller owns the result. */
export type JunctionScale = (junction: Junction) => Tensor4D;

/**
 * Predicts where a ControlNet is to be trusted, and where the prompt contradicts it. `weights`: c_pre_list of the published
 * files, a network for each junction. Differentiable. The function throws UserError `DOES_NOT_FIT` at a U-Net of other widths.
 * Source: SmartControl, arXiv 2404.06451, section 3.3; github.com/liuxiaoyu1104/SmartControl, smart_unet.py
 *
 * c = sigmoid(P_i(z)), z = cat[h + k, h, k] at the middle block and cat[h, u + k, h, u, k] at a skip connection u, with the
 * hidden state h and the residual k; P: convolutions 3x3 to a quarter, an eighth and one channel, SiLU between.
 */
export function smartControl(weights: Weights, memory: MemoryOptions = {}): JunctionScale {
  const run = memory.recompute ? recompute : plainly;
  return ({ index, hidden, skip, residual }) => {
    const w = weights.at(`c_pre_list.${index}`);
    const wanted = w.has('0.weight') ? w.get('0.weight').shape[2]! : 0;
    const given = skip ? 2 * hidden.shape[3] + 3 * skip.shape[3] : 3 * hidden.shape[3];
    if (wanted !== given)
      throw new UserError(
        'DOES_NOT_FIT',
        `The SmartControl file has ${wanted || 'no'} channels for junction ${index}, and this generator gives ${given}: it was made for another U-Net.`,
      );
    const predict = (h: Tensor4D, k: Tensor4D, u?: Tensor4D) => {
      const z = concat(u ? [h, add<Tensor4D>(u, k), h, u, k] : [add<Tensor4D>(h, k), h, k], 3);
      const first = silu(conv2d(z, w.at('0'), { padding: 1 }));
      const second = silu(conv2d(first, w.at('2'), { padding: 1 }));
      return sigmoid(conv2d(second, w.at('4'), { padding: 1 }));
    };
    return skip
      ? run((h, k, u) => predict(h, k, u), [hidden, residual, skip] as const)
      : run((h, k) => predict(h, k), [hidden, residual] as const);
  };
}

/** c' = 1 - strength (1 - c): 0 lets every residual count, 1 is what is predicted. */
export function weakenedScale(scale: JunctionScale, strength: number): JunctionScale {
  return (junction) => tidy(() => add<Tensor4D>(mul(scale(junction), strength), 1 - strength));
}
