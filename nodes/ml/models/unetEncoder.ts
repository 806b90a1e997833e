import { UserError } from '../../errors.ts';
import type { AddedConditions } from '../../ports.ts';
import { silu } from '../nn/activations.ts';
import { conv2d } from '../nn/conv2d.ts';
import { linear } from '../nn/linear.ts';
import { plainly, recompute } from '../nn/recompute.ts';
import { residual } from '../nn/residual.ts';
import { timestepEmbedding } from '../nn/timestepEmbedding.ts';
import { concat, reshape, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, tile } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addTextTimeEmbeddingShapes, textTimeEmbedding } from './textTimeEmbedding.ts';
import {
  addConvShapes,
  addLinearShapes,
  addResnetShapes,
  addSpatialTransformerShapes,
  type ImageTokens,
  type MemoryOptions,
  resnetBlock,
  type Shapes,
  spatialTransformer,
} from './unetBlocks.ts';
import type { UNetEncoderConfig } from './unetConfig.ts';

/** One level of a U-Net: residual blocks, each followed by a transformer where the level has attention. */
export interface Stage {
  /** Prefix of its weights. */
  readonly name: string;
  readonly resnets: readonly { readonly from: number; readonly to: number }[];
  readonly attention: { readonly heads: number; readonly layers: number; readonly contextWidth: number } | undefined;
  /** Whether a change of size follows. */
  readonly resampled: boolean;
}

/** Levels of the way down, largest images first. */
export function downStages(config: UNetEncoderConfig): Stage[] {
  const channels = config.block_out_channels;
  return channels.map((to, i) => ({
    name: `down_blocks.${i}`,
    resnets: Array.from({ length: config.layers_per_block[i]! }, (_, j) => ({
      from: j === 0 ? (channels[i - 1] ?? channels[0]!) : to,
      to,
    })),
    attention:
      config.down_block_types[i] === 'CrossAttnDownBlock2D'
        ? readAttention(config, i, config.transformer_layers_per_block[i]!)
        : undefined,
    resampled: i < channels.length - 1,
  }));
}

/** The middle block, where there is one: two residual blocks around a transformer, or a single one. */
function middleStage(config: UNetEncoderConfig): Stage | undefined {
  if (config.mid_block_type === null) return undefined;
  const last = config.block_out_channels.length - 1;
  const width = config.block_out_channels[last]!;
  const crossed = config.mid_block_type === 'UNetMidBlock2DCrossAttn';
  return {
    name: 'mid_block',
    resnets: Array.from({ length: crossed ? 2 : 1 }, () => ({ from: width, to: width })),
    attention: crossed ? readAttention(config, last, config.transformer_layers_per_block[last]!) : undefined,
    resampled: false,
  };
}

export function readAttention(config: UNetEncoderConfig, block: number, layers: number): Stage['attention'] {
  return {
    heads: config.attention_head_dim[block]!,
    layers,
    contextWidth: config.cross_attention_dim[block]!,
  };
}

/** Adds the weights of a level; the one transformer of the middle block stands between its residual blocks. */
export function addStageShapes(shapes: Shapes, stage: Stage, config: UNetEncoderConfig): void {
  const { name, resnets, attention } = stage;
  const transformers = name === 'mid_block' ? resnets.slice(1) : resnets;
  if (attention)
    for (const [i, { to }] of transformers.entries())
      addSpatialTransformerShapes(shapes, `${name}.attentions.${i}`, to, {
        ...attention,
        linearProjection: config.use_linear_projection,
      });
  for (const [i, { from, to }] of resnets.entries())
    addResnetShapes(shapes, `${name}.resnets.${i}`, from, to, config.time_embedding_dim);
}

/** Weights of everything from the first convolution to the middle block. */
export function addEncoderShapes(shapes: Shapes, config: UNetEncoderConfig): void {
  const first = config.block_out_channels[0]!;
  addConvShapes(shapes, 'conv_in', config.in_channels, first, config.conv_in_kernel);
  addEmbeddingShapes(shapes, 'time_embedding', first, config.time_embedding_dim);
  if (config.addition_embed_type === 'text')
    addTextTimeEmbeddingShapes(shapes, 'add_embedding', textTimeOptions(config));
  if (config.addition_embed_type === 'text_time')
    addEmbeddingShapes(
      shapes,
      'add_embedding',
      config.projection_class_embeddings_input_dim,
      config.time_embedding_dim,
    );
  for (const stage of downStages(config)) {
    addStageShapes(shapes, stage, config);
    const width = stage.resnets[0]?.to as number;
    if (stage.resampled) addConvShapes(shapes, `${stage.name}.downsamplers.0.conv`, width, width, 3);
  }
  const middle = middleStage(config);
  if (middle) addStageShapes(shapes, middle, config);
}

function addEmbeddingShapes(shapes: Shapes, name: string, from: number, to: number): void {
  addLinearShapes(shapes, `${name}.linear_1`, from, to);
  addLinearShapes(shapes, `${name}.linear_2`, to, to);
}

/** N timesteps -> [N, E]. */
export function timeEmbedding(
  timesteps: Tensor1D | readonly number[],
  weights: Weights,
  config: UNetEncoderConfig,
): Tensor2D {
  const waves = timestepEmbedding(timesteps, config.block_out_channels[0]!, waveOptions(config));
  return embed(waves, weights.at('time_embedding'));
}

/**
 * SDXL's pooled text embedding [N, P] and time ids [N, 6] -> [N, E]. Throws UserError `BAD_SHAPE` where their widths are
 * not the model's.
 */
export function addedEmbedding(added: AddedConditions, weights: Weights, config: UNetEncoderConfig): Tensor2D {
  const { textEmbeds, timeIds } = added;
  const ids = reshape(timeIds, [-1]) as Tensor1D;
  const waves = timestepEmbedding(ids, config.addition_time_embed_dim, waveOptions(config)); // [N * 6, A]
  const both = concat([textEmbeds, reshape(waves, [timeIds.shape[0], -1])], 1) as Tensor2D; // [N, P + 6 A]
  const wanted = config.projection_class_embeddings_input_dim;
  if (both.shape[1] !== wanted)
    throw new UserError(
      'BAD_SHAPE',
      `The pooled text embedding (${textEmbeds.shape[1]} wide) and the time ids give ${both.shape[1]} values; this model needs ${wanted}. The text encoders are of another family than the U-Net or ControlNet.`,
    );
  return embed(both, weights.at('add_embedding'));
}

const textTimeOptions = (config: UNetEncoderConfig) => ({
  contextWidth: config.cross_attention_dim[0]!,
  timeWidth: config.time_embedding_dim,
  heads: config.addition_embed_type_num_heads,
});
const waveOptions = (config: UNetEncoderConfig) => ({
  flipSinToCos: config.flip_sin_to_cos,
  freqShift: config.freq_shift,
});
const embed = (x: Tensor2D, w: Weights): Tensor2D => linear(silu(linear(x, w.at('linear_1'))), w.at('linear_2'));

/** What steers every block of a U-Net. */
interface Steering {
  /** [N, E], through silu. */
  readonly time: Tensor2D;
  /** [N T, D] */
  readonly context: Tensor2D;
  readonly image?: ImageTokens<Tensor2D>;
}

/**
 * The way down and the middle of a U-Net, which ControlNets share.
 * Source: arXiv 2112.10752, section 3; diffusers, UNet2DConditionModel
 */
export function unetEncoder(weights: Weights, config: UNetEncoderConfig, memory: MemoryOptions) {
  const { norm_num_groups: groups, norm_eps: eps, use_linear_projection: linearProjection } = config;
  const run = memory.recompute ? recompute : plainly;
  const stages = downStages(config);
  const middle = middleStage(config);
  const contextWidths = [...stages, middle].flatMap((stage) => stage?.attention?.contextWidth ?? []);

  /** A residual block; several inputs are joined along their channels. */
  const resnet = (inputs: readonly Tensor4D[], w: Weights, { time }: Steering, scale = 1): Tensor4D =>
    run(
      (t, ...parts) => {
        const images = parts as Tensor4D[];
        const x = images.length === 1 ? images[0]! : concat(images, 3);
        return resnetBlock(x, t as Tensor2D, w, { groups, eps, scale });
      },
      [time, ...inputs],
    );
  const transformer = (x: Tensor4D, w: Weights, { context, image }: Steering, { attention }: Stage): Tensor4D =>
    attention ? spatialTransformer(x, context, w, { ...memory, ...attention, linearProjection, groups }, image) : x;

  return {
    resnet,
    transformer,
    /** Timesteps (one for all or N) and other conditions -> what the blocks take. Throws UserError `BAD_SHAPE`. */
    steer(
      batch: number,
      timesteps: Tensor1D | number,
      context: Tensor3D,
      added: AddedConditions | undefined,
    ): Steering {
      if (contextWidths.some((width) => width !== context.shape[2]))
        throw new UserError(
          'BAD_SHAPE',
          `The text embedding is ${context.shape[2]} wide; this model needs ${contextWidths[0]}. The text encoder is of another family than the U-Net or ControlNet.`,
        );
      const time = timeEmbedding(typeof timesteps === 'number' ? [timesteps] : timesteps, weights, config);
      const times = time.shape[0] === batch ? time : tile(time, [batch, 1]); // [N, E]
      const rows = reshape(context, [-1, context.shape[2]]) as Tensor2D;
      if (!config.addition_embed_type) return { time: silu(times), context: rows };
      if (config.addition_embed_type === 'text') {
        const text = textTimeEmbedding(context, weights.at('add_embedding'), config.addition_embed_type_num_heads);
        return { time: silu(residual(times, text)), context: rows };
      }
      if (!added)
        throw new UserError('BAD_SHAPE', 'This model needs a pooled text embedding and time ids, as SDXL does.');
      return { time: silu(residual(times, addedEmbedding(added, weights, config))), context: rows };
    },
    /** Output of the first convolution -> the skip connections: that itself, then each block's and down-sampler's output. */
    down(first: Tensor4D, steering: Steering): Tensor4D[] {
      const skips = [first];
      let x = first;
      for (const stage of stages) {
        const w = weights.at(stage.name);
        for (const i of stage.resnets.keys()) {
          x = transformer(resnet([x], w.at(`resnets.${i}`), steering), w.at(`attentions.${i}`), steering, stage);
          skips.push(x);
        }
        if (!stage.resampled) continue;
        const padding = config.downsample_padding ? 1 : ([0, 1, 0, 1] as const);
        x = conv2d(x, w.at('downsamplers.0.conv'), { stride: 2, padding });
        skips.push(x);
      }
      return skips;
    },
    middle(x: Tensor4D, steering: Steering): Tensor4D {
      if (!middle) return x;
      const w = weights.at(middle.name);
      const scale = config.mid_block_scale_factor;
      const first = resnet([x], w.at('resnets.0'), steering, scale);
      if (!middle.attention) return first;
      return resnet([transformer(first, w.at('attentions.0'), steering, middle)], w.at('resnets.1'), steering, scale);
    },
  };
}
