import { quote } from '../../quote.ts';
import { attention } from '../nn/attention.ts';
import { conv2d } from '../nn/conv2d.ts';
import { groupNorm } from '../nn/groupNorm.ts';
import { linear } from '../nn/linear.ts';
import { recompute } from '../nn/recompute.ts';
import { residual } from '../nn/residual.ts';
import { sequence } from '../nn/sequence.ts';
import { upsampleNearest2x } from '../nn/upsampleNearest2x.ts';
import { clipByValue, reshape, split, type Tensor3D, type Tensor4D, tidy } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addResidualBlockShapes, residualBlock } from './residualBlock.ts';
import { addConvShapes, addLinearShapes, addNormShapes, type MemoryOptions, type Shapes } from './unetBlocks.ts';
import { type Json, MOST_LAYERS, reader } from './unetConfig.ts';

/** config.json of diffusers' AutoencoderKL. */
export interface AutoencoderKLConfig {
  readonly in_channels: number;
  readonly out_channels: number;
  readonly latent_channels: number;
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly norm_num_groups: number;
  readonly scaling_factor: number;
  readonly shift_factor: number;
  /** Mean and deviation of each latent channel, [latent_channels], which are taken out of scaled latents; undefined for none. */
  readonly statistics: LatentStatistics | undefined;
  readonly use_quant_conv: boolean;
  readonly use_post_quant_conv: boolean;
  readonly mid_block_add_attention: boolean;
}

/** For some fields, the only value that is supported. */
const supported: Json = { down_block_types: 'DownEncoderBlock2D', up_block_types: 'UpDecoderBlock2D', act_fn: 'silu' };
const EPS = 1e-6;

/** Reads config.json over diffusers' defaults. Throws UserError `BAD_CONFIG` or `UNSUPPORTED`. */
export function autoencoderKLConfig(json: Json): AutoencoderKLConfig {
  const read = reader('AutoencoderKL', json);
  for (const [field, only] of Object.entries(supported))
    for (const value of [json[field] ?? only].flat()) if (value !== only) throw read.unsupported(field, value);
  const channels = read.count('latent_channels', 4);
  return {
    in_channels: read.count('in_channels', 3),
    out_channels: read.count('out_channels', 3),
    latent_channels: channels,
    block_out_channels: read.counts('block_out_channels', [64]),
    layers_per_block: read.count('layers_per_block', 1, MOST_LAYERS),
    norm_num_groups: read.count('norm_num_groups', 32),
    scaling_factor: read.number('scaling_factor', 0.18215),
    shift_factor: read.number('shift_factor', 0),
    statistics: statisticsOf(read, json, channels),
    use_quant_conv: read.flag('use_quant_conv', true),
    use_post_quant_conv: read.flag('use_post_quant_conv', true),
    mid_block_add_attention: read.flag('mid_block_add_attention', true),
  };
}

/** Source: diffusers, AutoencoderKL latents_mean and latents_std; Playground v2.5. */
export interface LatentStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

function statisticsOf(read: ReturnType<typeof reader>, json: Json, channels: number): LatentStatistics | undefined {
  const { latents_mean: mean, latents_std: std } = json as { latents_mean?: unknown; latents_std?: unknown };
  if (!mean && !std) return undefined;
  const isList = (values: unknown): values is number[] =>
    Array.isArray(values) && values.length === channels && values.every(Number.isFinite);
  if (isList(mean) && isList(std) && std.every((each) => each > 0)) return { mean, std };
  throw read.bad(
    `"latents_mean" is ${quote(mean ?? null)} and "latents_std" ${quote(std ?? null)}, and ${channels} numbers each are needed, the latter above 0`,
  );
}

/** Names (the new ones of the attention) and shapes of the weights, as in the file. */
export function autoencoderKLShapes(config: AutoencoderKLConfig): Shapes {
  const { block_out_channels: channels, latent_channels: latent, layers_per_block: layers } = config;
  const [first, last] = [channels[0]!, channels.at(-1)!];
  const shapes: Shapes = new Map();
  addConvShapes(shapes, 'encoder.conv_in', config.in_channels, first, 3);
  addLevelShapes(shapes, 'encoder.down_blocks', channels, layers, 'downsamplers');
  addMiddleShapes(shapes, 'encoder.mid_block', last, config);
  addNormShapes(shapes, 'encoder.conv_norm_out', last);
  addConvShapes(shapes, 'encoder.conv_out', last, 2 * latent, 3);
  if (config.use_quant_conv) addConvShapes(shapes, 'quant_conv', 2 * latent, 2 * latent, 1);

  if (config.use_post_quant_conv) addConvShapes(shapes, 'post_quant_conv', latent, latent, 1);
  addConvShapes(shapes, 'decoder.conv_in', latent, last, 3);
  addMiddleShapes(shapes, 'decoder.mid_block', last, config);
  addLevelShapes(shapes, 'decoder.up_blocks', channels.toReversed(), layers + 1, 'upsamplers');
  addNormShapes(shapes, 'decoder.conv_norm_out', first);
  addConvShapes(shapes, 'decoder.conv_out', first, config.out_channels, 3);
  return shapes;
}

/** Levels of one side, whose first has as many channels before it as in it. */
function addLevelShapes(
  shapes: Shapes,
  name: string,
  channels: readonly number[],
  layers: number,
  resampler: 'downsamplers' | 'upsamplers',
): void {
  for (const [i, width] of channels.entries()) {
    const before = channels[i - 1] ?? width;
    for (let j = 0; j < layers; j++)
      addResidualBlockShapes(shapes, `${name}.${i}.resnets.${j}`, j ? width : before, width);
    if (i < channels.length - 1) addConvShapes(shapes, `${name}.${i}.${resampler}.0.conv`, width, width, 3);
  }
}

function addMiddleShapes(shapes: Shapes, name: string, width: number, config: AutoencoderKLConfig): void {
  addResidualBlockShapes(shapes, `${name}.resnets.0`, width, width);
  addResidualBlockShapes(shapes, `${name}.resnets.1`, width, width);
  if (!config.mid_block_add_attention) return;
  addNormShapes(shapes, `${name}.attentions.0.group_norm`, width);
  for (const part of ['to_q', 'to_k', 'to_v', 'to_out.0'])
    addLinearShapes(shapes, `${name}.attentions.0.${part}`, width, width);
}

/** The name that today's diffusers gives to a weight of an older file: the attention of the middle block was renamed. */
export function currentAutoencoderName(name: string): string {
  return name.replace(
    /(\.mid_block\.attentions\.0\.)(query|key|value|proj_attn)\./,
    (_, place, part) =>
      `${place}${{ query: 'to_q', key: 'to_k', value: 'to_v', proj_attn: 'to_out.0' }[part as string]}.`,
  );
}

/**
 * The autoencoder of Stable Diffusion: images [N, H, W, 3] in [-1, 1] <-> latents [N, h, w, c], each of the
 * `block_out_channels` but one halving the sides. Latents are not scaled by `scaling_factor` here. The caller owns the
 * results.
 * Source: arXiv 2112.10752, section 3.1; diffusers, AutoencoderKL
 */
export function autoencoderKL(weights: Weights, config: AutoencoderKLConfig, memory: MemoryOptions = {}) {
  const groups = config.norm_num_groups;
  const [encoder, decoder] = [weights.at('encoder'), weights.at('decoder')];
  const widths = config.block_out_channels;
  const again = (block: Step): Step => (memory.recompute ? (x) => recompute(block, [x]) : block);
  const conv =
    (w: Weights): Step =>
    (x) =>
      conv2d(x, w, { padding: 1 });
  const resnet = (w: Weights): Step => again((x) => residualBlock(x, w, { groups, eps: EPS }));
  const resnets = (w: Weights, count: number) => Array.from({ length: count }, (_, j) => resnet(w.at(`resnets.${j}`)));
  const middle = (w: Weights): Step[] => [
    resnet(w.at('resnets.0')),
    ...(config.mid_block_add_attention ? [again((x) => attentionBlock(x, w.at('attentions.0'), groups))] : []),
    resnet(w.at('resnets.1')),
  ];
  const head =
    (w: Weights): Step =>
    (x) =>
      conv2d(groupNorm(x, w.at('conv_norm_out'), groups, EPS, 'silu'), w.at('conv_out'), { padding: 1 });

  const encoding: Step[] = [
    conv(encoder.at('conv_in')),
    ...widths.flatMap((_, i) => {
      const block = encoder.at(`down_blocks.${i}`);
      const steps = resnets(block, config.layers_per_block);
      return i < widths.length - 1 ? [...steps, halve(block.at('downsamplers.0.conv'))] : steps;
    }),
    ...middle(encoder.at('mid_block')),
    head(encoder),
    ...(config.use_quant_conv ? [(x: Tensor4D) => conv2d(x, weights.at('quant_conv'))] : []),
  ];
  const decoding: Step[] = [
    ...(config.use_post_quant_conv ? [(x: Tensor4D) => conv2d(x, weights.at('post_quant_conv'))] : []),
    conv(decoder.at('conv_in')),
    ...middle(decoder.at('mid_block')),
    ...widths.flatMap((_, i) => {
      const block = decoder.at(`up_blocks.${i}`);
      const steps = resnets(block, config.layers_per_block + 1);
      return i < widths.length - 1 ? [...steps, double(block.at('upsamplers.0.conv'))] : steps;
    }),
    head(decoder),
  ];
  return {
    /** [N, H, W, 3] -> mean and log-variance of the latents, [N, h, w, c] each. */
    encode: (pixels: Tensor4D): { mean: Tensor4D; logvar: Tensor4D } =>
      tidy(() => {
        const [mean, logvar] = split(sequence(pixels, encoding), 2, 3) as [Tensor4D, Tensor4D];
        return { mean, logvar: clipByValue(logvar, -30, 20) };
      }),
    /** [N, h, w, c] -> images [N, H, W, 3], about [-1, 1], not clamped. */
    decode: (latents: Tensor4D): Tensor4D => sequence(latents, decoding),
  };
}
type Step = (x: Tensor4D) => Tensor4D;

/** 3x3 convolution of stride 2 with one row and column of zeros, below and to the right only. */
function halve(w: Weights): Step {
  return (x) => conv2d(x, w, { stride: 2, padding: [0, 1, 0, 1] });
}

/** Doubles the sides by repeating pixels, then a 3x3 convolution. */
function double(w: Weights): Step {
  return (x) => conv2d(upsampleNearest2x(x), w, { padding: 1 });
}

/** x + attention over all pixels with one head. [N, H, W, C] -> [N, H, W, C] */
function attentionBlock(x: Tensor4D, w: Weights, groups: number): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const tokens = reshape(groupNorm(x, w.at('group_norm'), groups, EPS), [n, height * width, channels]) as Tensor3D;
  const [q, k, v] = ['to_q', 'to_k', 'to_v'].map((name) => linear(tokens, w.at(name))) as [
    Tensor3D,
    Tensor3D,
    Tensor3D,
  ];
  const mixed = linear(attention(q, k, v, { heads: 1 }), w.at('to_out.0'));
  return residual(x, reshape(mixed, [n, height, width, channels]));
}
