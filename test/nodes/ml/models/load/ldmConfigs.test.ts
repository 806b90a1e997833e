import { expect, it } from 'vitest';
import { autoencoderKLConfig, autoencoderKLShapes } from '../../../../../nodes/ml/models/autoencoderKL.ts';
import { clipTextConfig, clipTextShapes } from '../../../../../nodes/ml/models/clipText.ts';
import { controlNetConfig, controlNetShapes } from '../../../../../nodes/ml/models/controlNet.ts';
import { autoencoderJson, controlNetJson, textJson, unetJson } from '../../../../../nodes/ml/models/load/ldmConfigs.ts';
import { unetConfig, unetShapes } from '../../../../../nodes/ml/models/unet2DCondition.ts';
import type { Checkpoint } from '../../../../../nodes/ml/weights/checkpoint.ts';

/** A file of which only names and shapes are known. */
function headerOf(shapes: ReadonlyMap<string, readonly number[]>): Checkpoint {
  return {
    path: 'header',
    metadata: new Map(),
    names: () => [...shapes.keys()],
    has: (name) => shapes.has(name),
    entry: (name) => ({ dtype: 'float16', shape: shapes.get(name) as number[], bytes: 0 }),
    read: () => Promise.reject(new Error('There are no values.')),
  };
}

const [crossDown, crossUp] = ['CrossAttnDownBlock2D', 'CrossAttnUpBlock2D'];
const wide = { block_out_channels: [320, 640, 1280, 1280], layers_per_block: 2 };
const outer = {
  ...wide,
  down_block_types: [crossDown, crossDown, crossDown, 'DownBlock2D'],
  up_block_types: ['UpBlock2D', crossUp, crossUp, crossUp],
};
/** The fields of the published config.json files that differ from diffusers' defaults. */
const published = {
  'Stable Diffusion 1.5': { ...outer, cross_attention_dim: 768, attention_head_dim: 8 },
  'Stable Diffusion 2.1': {
    ...outer,
    cross_attention_dim: 1024,
    attention_head_dim: [5, 10, 20, 20],
    use_linear_projection: true,
  },
  'Stable Diffusion XL': {
    block_out_channels: [320, 640, 1280],
    down_block_types: ['DownBlock2D', crossDown, crossDown],
    up_block_types: [crossUp, crossUp, 'UpBlock2D'],
    layers_per_block: 2,
    cross_attention_dim: 2048,
    attention_head_dim: [5, 10, 20],
    transformer_layers_per_block: [1, 2, 10],
    use_linear_projection: true,
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 256,
    projection_class_embeddings_input_dim: 2816,
  },
};

it.each(Object.entries(published))('finds the U-Net config of %s in the shapes of its weights', (_title, json) => {
  const config = unetConfig(json);
  expect(unetConfig(unetJson(headerOf(unetShapes(config))))).toEqual(config);
});

it('finds the config of a ControlNet for Stable Diffusion 1.5', () => {
  const { up_block_types: _, ...json } = published['Stable Diffusion 1.5'];
  const config = controlNetConfig(json);
  expect(controlNetConfig(controlNetJson(headerOf(controlNetShapes(config))))).toEqual(config);
});

it('finds the config of the autoencoder', () => {
  const config = autoencoderKLConfig({ block_out_channels: [128, 256, 512, 512], layers_per_block: 2 });
  expect(autoencoderKLConfig(autoencoderJson(headerOf(autoencoderKLShapes(config)), 0.18215))).toEqual(config);
});

it.each([
  ['CLIP ViT-L', { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12, eos_token_id: 2 }, false],
  [
    'OpenCLIP bigG',
    {
      hidden_size: 1280,
      intermediate_size: 5120,
      num_hidden_layers: 32,
      num_attention_heads: 20,
      projection_dim: 1280,
      hidden_act: 'gelu',
      architectures: ['CLIPTextModelWithProjection'],
      eos_token_id: 2,
    },
    true,
  ],
])('finds the config of the text encoder %s', (_title, json, openClip) => {
  const config = clipTextConfig(json);
  expect(clipTextConfig(textJson(headerOf(clipTextShapes(config)), openClip))).toEqual(config);
});
