import { UserError } from '../../errors.ts';
import type { AddedConditions } from '../../ports.ts';
import { conv2d } from '../nn/conv2d.ts';
import { groupNorm } from '../nn/groupNorm.ts';
import { upsampleNearest2x } from '../nn/upsampleNearest2x.ts';
import { add, reshape, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, tidy } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addConvShapes, addNormShapes, type ImageTokens, type MemoryOptions, type Shapes } from './unetBlocks.ts';
import type { UNetConfig } from './unetConfig.ts';
import { addEncoderShapes, addStageShapes, readAttention, type Stage, unetEncoder } from './unetEncoder.ts';

export { unetConfig } from './unetConfig.ts';

export interface UNetConditions {
  /** SDXL's pooled text embedding and time ids. */
  readonly added?: AddedConditions;
  /** Tokens beside the text's, for weights that have `to_k_ip` and `to_v_ip` in every `attn2`. */
  readonly image?: ImageTokens<Tensor3D>;
  /** What ControlNets add to the skip connections, in their order, and to the middle block's output. */
  readonly downResiduals?: readonly Tensor4D[];
  readonly midResidual?: Tensor4D;
  /**
   * What becomes of the middle block's output (index 0) and of each skip connection where the decoder takes it, in that
   * order from 1, beside the hidden state of that moment; called in a tidy.
   */
  atJunction?(index: number, hidden: Tensor4D, skip?: Tensor4D): Tensor4D;
}

/** Names and shapes of the weights, as in the file: kernels [out, in, kh, kw], matrices [out, in]. */
export function unetShapes(config: UNetConfig): Shapes {
  const shapes: Shapes = new Map();
  const first = config.block_out_channels[0]!;
  addEncoderShapes(shapes, config);
  for (const stage of upStages(config)) {
    addStageShapes(shapes, stage, config);
    const width = stage.resnets[0]?.to as number;
    if (stage.resampled) addConvShapes(shapes, `${stage.name}.upsamplers.0.conv`, width, width, 3);
  }
  addNormShapes(shapes, 'conv_norm_out', first);
  addConvShapes(shapes, 'conv_out', first, config.out_channels, config.conv_out_kernel);
  return shapes;
}

/**
 * The U-Net of Stable Diffusion: predicts what a noisy latent is made of. sample [N, h, w, in], timesteps [N] or one
 * number, context [N, T, D] -> [N, h, w, out]. Any h and w that the levels can halve, odd ones too. The caller owns the
 * result. The returned function throws UserError `BAD_SHAPE` for a text embedding of another model.
 * Source: arXiv 2112.10752, section 3; diffusers, UNet2DConditionModel
 */
export function unet2DCondition(weights: Weights, config: UNetConfig, memory: MemoryOptions = {}) {
  const { norm_num_groups: groups, norm_eps: eps } = config;
  const encoder = unetEncoder(weights, config, memory);
  const stages = upStages(config);

  /** Takes the skip connections from the end; rows and columns come back as the skip connections have them. */
  const up = (
    start: Tensor4D,
    skips: Tensor4D[],
    steering: ReturnType<typeof encoder.steer>,
    atJunction: UNetConditions['atJunction'],
  ): Tensor4D => {
    const count = skips.length;
    let x = start;
    for (const stage of stages) {
      const w = weights.at(stage.name);
      for (const i of stage.resnets.keys()) {
        const skip = skips.pop()!;
        const taken = atJunction?.(count - skips.length, x, skip) ?? skip;
        const h = encoder.resnet([x, taken], w.at(`resnets.${i}`), steering);
        x = encoder.transformer(h, w.at(`attentions.${i}`), steering, stage);
      }
      if (!stage.resampled) continue;
      const [, height, width] = skips.at(-1)!.shape;
      x = conv2d(upsampleNearest2x(x, [height, width]), w.at('upsamplers.0.conv'), { padding: 1 });
    }
    return x;
  };

  return (
    sample: Tensor4D,
    timesteps: Tensor1D | number,
    context: Tensor3D,
    { added, image, downResiduals, midResidual, atJunction }: UNetConditions = {},
  ): Tensor4D =>
    tidy(() => {
      const steering = {
        ...encoder.steer(sample.shape[0], timesteps, context, added),
        ...(image && { image: { ...image, tokens: reshape(image.tokens, [-1, image.tokens.shape[2]]) as Tensor2D } }),
      };
      const first = conv2d(sample, weights.at('conv_in'), { padding: (config.conv_in_kernel - 1) / 2 });
      const skips = encoder.down(first, steering);
      if (downResiduals && downResiduals.length !== skips.length)
        throw new UserError(
          'BAD_SHAPE',
          `The ControlNet gives ${downResiduals.length} residuals; this U-Net has ${skips.length} skip connections. They are made for different models.`,
        );
      const middle = encoder.middle(skips.at(-1)!, steering);
      const steered = downResiduals ? skips.map((skip, i) => add<Tensor4D>(skip, downResiduals[i]!)) : skips;
      const start = midResidual ? add<Tensor4D>(middle, midResidual) : middle;
      const x = up(atJunction?.(0, start) ?? start, steered, steering, atJunction);
      const normal = groupNorm(x, weights.at('conv_norm_out'), groups, eps, 'silu');
      return conv2d(normal, weights.at('conv_out'), { padding: (config.conv_out_kernel - 1) / 2 });
    });
}

/** Levels of the way up, smallest images first: each residual block also takes a skip connection. */
function upStages(config: UNetConfig): Stage[] {
  const channels = config.block_out_channels.toReversed();
  const last = channels.length - 1;
  return channels.map((to, i) => {
    const before = channels[i - 1] ?? to;
    const below = channels[Math.min(i + 1, last)]!; // channels of the last skip connection of this level
    const layers = config.layers_per_block[last - i]! + 1;
    return {
      name: `up_blocks.${i}`,
      resnets: Array.from({ length: layers }, (_, j) => ({
        from: (j === 0 ? before : to) + (j === layers - 1 ? below : to),
        to,
      })),
      attention:
        config.up_block_types[i] === 'CrossAttnUpBlock2D'
          ? readAttention(config, last - i, config.up_transformer_layers[i]!)
          : undefined,
      resampled: i < last,
    };
  });
}
