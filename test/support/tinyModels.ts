import { autoencoderKLConfig, autoencoderKLShapes } from '../../nodes/ml/models/autoencoderKL.ts';
import { clipTextConfig, clipTextShapes } from '../../nodes/ml/models/clipText.ts';
import { unetConfig, unetShapes } from '../../nodes/ml/models/unet2DCondition.ts';
import type { Json } from '../../nodes/ml/models/unetConfig.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import { learnMerges } from '../../nodes/ml/text/learnMerges.ts';
import { type StoredTensor, writeSafetensors } from '../../nodes/ml/weights/writeSafetensors.ts';

export type Kind = 'sd1' | 'sd2' | 'sdxl';
export type Tensors = Map<string, StoredTensor>;

/** A model of random weights, narrow but otherwise as published: what a single file does not state is as everywhere. */
export interface TinyModel {
  readonly kind: Kind;
  readonly components: Readonly<Record<string, { readonly config: Json; readonly tensors: Tensors }>>;
  /** A diffusers folder: path below it -> content. */
  readonly files: Readonly<Record<string, Uint8Array | string>>;
}

const vocabulary = learnMerges(['red', 'dog', 'a']);
export const vocabularyFiles = {
  'vocab.json': JSON.stringify(vocabulary.vocab),
  'merges.txt': ['#version: 0.2', ...vocabulary.merges, ''].join('\n'),
};
const vocabularySize = Object.keys(vocabulary.vocab).length;

export function tinyModel(kind: Kind): TinyModel {
  const random = randomStream(7);
  const tensorsOf = (shapes: ReadonlyMap<string, readonly number[]>): Tensors =>
    new Map([...shapes].map(([name, shape]) => [name, randomTensor(name, shape, random.normal)]));
  const components: Record<string, { config: Json; tensors: Tensors }> = {};
  for (const [i, text] of textConfigs(kind).entries())
    components[i === 0 ? 'text_encoder' : `text_encoder_${i + 1}`] = {
      config: text,
      tensors: tensorsOf(clipTextShapes(clipTextConfig(text))),
    };
  const [unet, vae] = [unetOf(kind), vaeOf(kind)];
  components.unet = { config: unet, tensors: tensorsOf(unetShapes(unetConfig(unet))) };
  components.vae = { config: vae, tensors: tensorsOf(autoencoderKLShapes(autoencoderKLConfig(vae))) };
  return { kind, components, files: folderOf(kind, components) };
}

/** Norms near the identity, everything else (also a scalar) small enough that signals neither vanish nor explode. */
export function randomTensor(name: string, shape: readonly number[], normal: () => number): StoredTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const isNorm = shape.length === 1 && name.endsWith('.weight');
  const spread = shape.length <= 1 ? 0.1 : 1 / Math.sqrt(count / (shape[0] as number));
  const values = Float32Array.from({ length: count }, () => (isNorm ? 1 : 0) + spread * normal());
  return { dtype: 'F16', shape, values };
}

function textConfigs(kind: Kind): Json[] {
  const shared = { vocab_size: vocabularySize, max_position_embeddings: 12, num_attention_heads: 1, hidden_size: 64 };
  const openAi = { ...shared, intermediate_size: 96, num_hidden_layers: 3, hidden_act: 'quick_gelu', eos_token_id: 2 };
  const openClip = { ...openAi, hidden_act: 'gelu' };
  if (kind === 'sd1') return [{ ...openAi, architectures: ['CLIPTextModel'] }];
  if (kind === 'sd2') return [{ ...openClip, architectures: ['CLIPTextModel'] }];
  const second = { ...openClip, projection_dim: 48, architectures: ['CLIPTextModelWithProjection'] };
  return [{ ...openAi, architectures: ['CLIPTextModel'] }, second];
}

function unetOf(kind: Kind): Json {
  const shared = { sample_size: 8, layers_per_block: 2, block_out_channels: [64, 64] };
  const [cross, plain] = [
    ['CrossAttnDownBlock2D', 'DownBlock2D'],
    ['UpBlock2D', 'CrossAttnUpBlock2D'],
  ];
  if (kind === 'sd1')
    return {
      ...shared,
      down_block_types: cross,
      up_block_types: plain,
      cross_attention_dim: 64,
      attention_head_dim: 8,
    };
  const linear = { ...shared, use_linear_projection: true, attention_head_dim: [1, 1] };
  if (kind === 'sd2') return { ...linear, down_block_types: cross, up_block_types: plain, cross_attention_dim: 64 };
  return {
    ...linear,
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
    up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
    transformer_layers_per_block: [1, 2],
    cross_attention_dim: 128,
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 256,
    projection_class_embeddings_input_dim: 48 + 6 * 256,
  };
}

function vaeOf(kind: Kind): Json {
  return {
    _class_name: 'AutoencoderKL',
    block_out_channels: [32, 64, 32],
    down_block_types: new Array(3).fill('DownEncoderBlock2D'),
    up_block_types: new Array(3).fill('UpDecoderBlock2D'),
    layers_per_block: 2,
    scaling_factor: kind === 'sdxl' ? 0.13025 : 0.18215,
  };
}

function folderOf(kind: Kind, components: TinyModel['components']): Record<string, Uint8Array | string> {
  const scheduler = {
    _class_name: kind === 'sdxl' ? 'EulerDiscreteScheduler' : 'DDIMScheduler',
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    beta_end: 0.012,
    steps_offset: 1,
    clip_sample: false,
    set_alpha_to_one: false,
    timestep_spacing: 'leading',
  };
  const encoders = Object.keys(components).filter((name) => name.startsWith('text_encoder'));
  const classes = encoders.map((name, i) => [
    name,
    ['transformers', i ? 'CLIPTextModelWithProjection' : 'CLIPTextModel'],
  ]);
  const index = {
    _class_name: kind === 'sdxl' ? 'StableDiffusionXLPipeline' : 'StableDiffusionPipeline',
    ...Object.fromEntries(classes),
  };
  const files: Record<string, Uint8Array | string> = {
    'model_index.json': JSON.stringify(index),
    'scheduler/scheduler_config.json': JSON.stringify(scheduler),
  };
  for (const [name, { config, tensors }] of Object.entries(components)) {
    files[`${name}/config.json`] = JSON.stringify(config);
    const isText = name.startsWith('text_encoder');
    files[`${name}/${isText ? 'model' : 'diffusion_pytorch_model'}.fp16.safetensors`] = writeSafetensors(tensors);
    if (!isText) continue;
    const folder = name.replace('text_encoder', 'tokenizer');
    const pads = {
      pad_token: kind === 'sd2' || folder === 'tokenizer_2' ? '!' : '<|endoftext|>',
      model_max_length: 12,
    };
    for (const [file, content] of Object.entries(vocabularyFiles)) files[`${folder}/${file}`] = content;
    files[`${folder}/tokenizer_config.json`] = JSON.stringify(pads);
  }
  return files;
}
