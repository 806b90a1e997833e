import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';

/**
 * The parts of config.json that UNet2DConditionModel and ControlNetModel share, in diffusers' field names. Values that
 * may be one number for all blocks are lists here, one entry a down block.
 */
export interface UNetEncoderConfig {
  readonly in_channels: number;
  readonly block_out_channels: readonly number[];
  readonly down_block_types: readonly DownBlock[];
  /** null: no middle block. */
  readonly mid_block_type: MiddleBlock | null;
  readonly layers_per_block: readonly number[];
  /** Number of heads (not their width, whatever the name says). */
  readonly attention_head_dim: readonly number[];
  readonly transformer_layers_per_block: readonly number[];
  /** Width of the context [N, T, width]. */
  readonly cross_attention_dim: readonly number[];
  readonly use_linear_projection: boolean;
  readonly norm_num_groups: number;
  readonly norm_eps: number;
  /** 1: zeros on all sides; 0: below and to the right only. */
  readonly downsample_padding: number;
  readonly mid_block_scale_factor: number;
  readonly flip_sin_to_cos: boolean;
  readonly freq_shift: number;
  /** Width of the time embedding. */
  readonly time_embedding_dim: number;
  /** What is added to the time embedding: the context as one vector, or SDXL's pooled text and time ids. */
  readonly addition_embed_type: 'text' | 'text_time' | null;
  readonly addition_embed_type_num_heads: number;
  readonly addition_time_embed_dim: number;
  readonly projection_class_embeddings_input_dim: number;
  /** Odd side of the first convolution's kernel. */
  readonly conv_in_kernel: number;
}

/** config.json of diffusers' UNet2DConditionModel. */
export interface UNetConfig extends UNetEncoderConfig {
  readonly out_channels: number;
  readonly up_block_types: readonly UpBlock[];
  /** One entry an up block. */
  readonly up_transformer_layers: readonly number[];
  readonly conv_out_kernel: number;
}

const downBlocks = ['CrossAttnDownBlock2D', 'DownBlock2D'] as const;
const upBlocks = ['CrossAttnUpBlock2D', 'UpBlock2D'] as const;
const middleBlocks = ['UNetMidBlock2DCrossAttn', 'UNetMidBlock2D'] as const;
type DownBlock = (typeof downBlocks)[number];
type UpBlock = (typeof upBlocks)[number];
type MiddleBlock = (typeof middleBlocks)[number];

/** What else a config can state, and the only values that are supported. Source: diffusers, UNet2DConditionModel */
const only: Readonly<Record<string, readonly unknown[]>> = {
  act_fn: ['silu', 'swish'],
  attention_type: ['default'],
  center_input_sample: [false],
  class_embed_type: [null],
  class_embeddings_concat: [false],
  cross_attention_norm: [null],
  dual_cross_attention: [false],
  encoder_hid_dim: [null],
  encoder_hid_dim_type: [null],
  mid_block_only_cross_attention: [null, false],
  num_attention_heads: [null],
  num_class_embeds: [null],
  only_cross_attention: [false],
  resnet_skip_time_act: [false],
  resnet_time_scale_shift: ['default'],
  time_cond_proj_dim: [null],
  time_embedding_act_fn: [null],
  time_embedding_type: ['positional'],
  timestep_post_act: [null],
};

export type Json = Readonly<Record<string, unknown>>;

/**
 * Reads config.json of a UNet2DConditionModel; a missing field has diffusers' value. Throws UserError `BAD_CONFIG` for
 * values that make no sense, `UNSUPPORTED` for kinds of U-Net that are not implemented.
 */
export function unetConfig(json: Json): UNetConfig {
  const read = reader('UNet2DConditionModel', json);
  const encoder = unetEncoderConfig('UNet2DConditionModel', json);
  const blocks = encoder.block_out_channels.length;
  const stated = json.reverse_transformer_layers_per_block;
  return {
    ...encoder,
    out_channels: read.count('out_channels', 4),
    up_block_types: read.kinds(
      'up_block_types',
      upBlocks,
      [upBlocks[1], upBlocks[0], upBlocks[0], upBlocks[0]],
      blocks,
    ),
    up_transformer_layers: stated
      ? read.perBlock('reverse_transformer_layers_per_block', 1, blocks, MOST_LAYERS)
      : encoder.transformer_layers_per_block.toReversed(),
    conv_out_kernel: read.oddCount('conv_out_kernel', 3),
  };
}

/** The shared part of the config of `model`, likewise. */
export function unetEncoderConfig(model: string, json: Json): UNetEncoderConfig {
  const read = reader(model, json);
  read.requireSupported();
  const channels = read.counts('block_out_channels', [320, 640, 1280, 1280]);
  const blocks = channels.length;
  const middle = json.mid_block_type === undefined ? middleBlocks[0] : json.mid_block_type;
  if (middle !== null && !middleBlocks.includes(middle as MiddleBlock))
    throw read.unsupported('mid_block_type', middle);
  const addition = json.addition_embed_type ?? null;
  if (addition !== null && addition !== 'text' && addition !== 'text_time')
    throw read.unsupported('addition_embed_type', addition);
  const config: UNetEncoderConfig = {
    in_channels: read.count('in_channels', 4),
    block_out_channels: channels,
    down_block_types: read.kinds(
      'down_block_types',
      downBlocks,
      [downBlocks[0], downBlocks[0], downBlocks[0], downBlocks[1]],
      blocks,
    ),
    mid_block_type: middle as MiddleBlock | null,
    layers_per_block: read.perBlock('layers_per_block', 2, blocks, MOST_LAYERS),
    attention_head_dim: read.perBlock('attention_head_dim', 8, blocks),
    transformer_layers_per_block: read.perBlock('transformer_layers_per_block', 1, blocks, MOST_LAYERS),
    cross_attention_dim: read.perBlock('cross_attention_dim', 1280, blocks),
    use_linear_projection: read.flag('use_linear_projection', false),
    norm_num_groups: read.count('norm_num_groups', 32),
    norm_eps: read.number('norm_eps', 1e-5),
    downsample_padding: read.number('downsample_padding', 1),
    mid_block_scale_factor: read.number('mid_block_scale_factor', 1),
    flip_sin_to_cos: read.flag('flip_sin_to_cos', true),
    freq_shift: read.number('freq_shift', 0),
    time_embedding_dim: read.count('time_embedding_dim', 4 * channels[0]!),
    addition_embed_type: addition,
    addition_embed_type_num_heads: read.count('addition_embed_type_num_heads', 64),
    addition_time_embed_dim: addition === 'text_time' ? read.count('addition_time_embed_dim') : 0,
    projection_class_embeddings_input_dim:
      addition === 'text_time' ? read.count('projection_class_embeddings_input_dim') : 0,
    conv_in_kernel: read.oddCount('conv_in_kernel', 3),
  };
  if (![0, 1].includes(config.downsample_padding))
    throw read.unsupported('downsample_padding', config.downsample_padding);
  const uneven = channels.find((count) => count % config.norm_num_groups !== 0);
  if (uneven !== undefined)
    throw read.bad(
      `"norm_num_groups" is ${config.norm_num_groups}, which does not divide the ${uneven} channels of a block`,
    );
  return config;
}

/** Largest number that a size in a config may be, and largest number of layers: configs come from strangers. */
const LARGEST_COUNT = 2 ** 20;
export const MOST_LAYERS = 1000;

/** Reads fields of a config with a default, and says what is wrong with one by name and value. */
export function reader(model: string, json: Json) {
  const bad = (reason: string) => new UserError('BAD_CONFIG', `The config of this ${model} cannot be used: ${reason}.`);
  const unsupported = (field: string, value: unknown) =>
    new UserError('UNSUPPORTED', `This kind of ${model} is not supported: its config has "${field}": ${quote(value)}.`);
  const isCount = (value: unknown, most = LARGEST_COUNT): value is number =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) <= most;
  const readField = <T>(field: string, fallback: T | undefined, fits: (value: unknown) => boolean, what: string): T => {
    const value = json[field] ?? fallback;
    if (!fits(value))
      throw bad(`"${field}" is ${value === undefined ? 'missing' : quote(value)}, and ${what} is needed`);
    return value as T;
  };
  return {
    bad,
    unsupported,
    count: (field: string, fallback?: number, most = LARGEST_COUNT) =>
      readField(field, fallback, (value) => isCount(value, most), `a whole number from 1 to ${most}`),
    oddCount: (field: string, fallback: number) =>
      readField(field, fallback, (value) => isCount(value) && value % 2 === 1, 'an odd whole number above 0'),
    number: (field: string, fallback: number) => readField(field, fallback, Number.isFinite, 'a number'),
    flag: (field: string, fallback: boolean) =>
      readField(field, fallback, (value) => typeof value === 'boolean', 'true or false'),
    counts: (field: string, fallback: readonly number[]) =>
      readField(
        field,
        fallback,
        (value) => Array.isArray(value) && value.length > 0 && value.every((each) => isCount(each)),
        `a list of whole numbers from 1 to ${LARGEST_COUNT}`,
      ),
    /** One number for all blocks, or a list. */
    perBlock(field: string, fallback: number, blocks: number, most = LARGEST_COUNT): readonly number[] {
      if (Array.isArray(json[field]) && json[field].some(Array.isArray)) throw unsupported(field, json[field]);
      const fits = (value: unknown) =>
        isCount(value, most) || (Array.isArray(value) && value.every((each) => isCount(each, most)));
      const value = readField<number | number[]>(field, fallback, fits, `a whole number from 1 to ${most}, or a list`);
      if (!Array.isArray(value)) return Array.from({ length: blocks }, () => value);
      if (value.length !== blocks) throw bad(`"${field}" has ${value.length} entries for ${blocks} blocks`);
      return value;
    },
    kinds<K extends string>(field: string, known: readonly K[], fallback: readonly K[], blocks: number): readonly K[] {
      const value = readField<readonly K[]>(field, fallback, Array.isArray, 'a list of block types');
      const foreign = value.find((kind) => !known.includes(kind));
      if (foreign !== undefined) throw unsupported(field, foreign);
      if (value.length !== blocks)
        throw bad(`"${field}" has ${value.length} entries and "block_out_channels" ${blocks}; they must be as many`);
      return value;
    },
    requireSupported() {
      for (const [field, values] of Object.entries(only))
        if (json[field] !== undefined && !values.includes(json[field])) throw unsupported(field, json[field]);
    },
  };
}
