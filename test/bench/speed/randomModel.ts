import { join } from 'node:path';
import { writeClipTokenizer, writeFile, writeText } from '../../../electron/training/modelFolder.ts';
import { autoencoderKLConfig, autoencoderKLShapes } from '../../../nodes/ml/models/autoencoderKL.ts';
import { clipConfig, clipShapes } from '../../../nodes/ml/models/clip.ts';
import { clipTextConfig, clipTextShapes } from '../../../nodes/ml/models/clipText.ts';
import { unetConfig, unetShapes } from '../../../nodes/ml/models/unet2DCondition.ts';
import type { Shapes } from '../../../nodes/ml/models/unetBlocks.ts';
import type { Json } from '../../../nodes/ml/models/unetConfig.ts';
import { randomStream } from '../../../nodes/ml/random.ts';
import { learnMerges } from '../../../nodes/ml/text/learnMerges.ts';
import { writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';
import { captionWords } from '../../../nodes/ml/world/words.ts';
import { randomTensor } from '../../support/tinyModels.ts';

/** Where the folder of a random model keeps its CLIP, in transformers' layout. */
export const rewardFolder = 'clip';

const vocabulary = learnMerges(captionWords);
const vocab_size = Object.keys(vocabulary.vocab).length;
const promptLength = 77;
const textTokens = {
  vocab_size,
  max_position_embeddings: promptLength,
  bos_token_id: vocab_size - 2,
  eos_token_id: vocab_size - 1,
  pad_token_id: vocab_size - 1,
  hidden_act: 'quick_gelu',
  layer_norm_eps: 1e-5,
};

/** A latent diffusion model and the CLIP that judges it, as configs of diffusers and transformers state them. */
export interface RandomModel {
  readonly unet: Json;
  readonly vae: Json;
  readonly textEncoder: Json;
  readonly clip: Json;
}

/**
 * The Stable Diffusion of a fifth of the width: a U-Net of 35 million parameters, latents 32 x 32, images 256 x 256; and
 * a CLIP of 15 million that looks at 197 tokens of width 384.
 */
export const mini: RandomModel = {
  unet: {
    _class_name: 'UNet2DConditionModel',
    sample_size: 32,
    in_channels: 4,
    out_channels: 4,
    block_out_channels: [64, 128, 256, 256],
    down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
    mid_block_type: 'UNetMidBlock2DCrossAttn',
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
    layers_per_block: 2,
    attention_head_dim: 8,
    cross_attention_dim: 256,
    norm_num_groups: 32,
    norm_eps: 1e-5,
    flip_sin_to_cos: true,
    freq_shift: 0,
  },
  vae: {
    _class_name: 'AutoencoderKL',
    sample_size: 256,
    in_channels: 3,
    out_channels: 3,
    latent_channels: 4,
    block_out_channels: [32, 64, 128, 128],
    down_block_types: new Array(4).fill('DownEncoderBlock2D'),
    up_block_types: new Array(4).fill('UpDecoderBlock2D'),
    layers_per_block: 2,
    norm_num_groups: 32,
    scaling_factor: 0.18215,
  },
  textEncoder: {
    architectures: ['CLIPTextModel'],
    model_type: 'clip_text_model',
    ...textTokens,
    hidden_size: 256,
    intermediate_size: 1024,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    projection_dim: 256,
  },
  clip: {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    projection_dim: 256,
    logit_scale_init_value: Math.log(1 / 0.07),
    vision_config: {
      model_type: 'clip_vision_model',
      hidden_size: 384,
      intermediate_size: 1536,
      num_hidden_layers: 8,
      num_attention_heads: 6,
      num_channels: 3,
      image_size: 224,
      patch_size: 16,
      hidden_act: 'quick_gelu',
      layer_norm_eps: 1e-5,
      projection_dim: 256,
    },
    text_config: {
      model_type: 'clip_text_model',
      ...textTokens,
      hidden_size: 128,
      intermediate_size: 512,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      projection_dim: 256,
    },
  },
};

/** sd-turbo's: one step, no guidance. */
const scheduler = {
  _class_name: 'EulerDiscreteScheduler',
  num_train_timesteps: 1000,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  beta_end: 0.012,
  prediction_type: 'epsilon',
  timestep_spacing: 'trailing',
  steps_offset: 1,
};

/**
 * Writes a model of random weights (float16, the same every time) as a diffusers folder, with its CLIP in the folder
 * `clip` below it. Gives the number of parameters of each part.
 */
export async function writeRandomModel(folder: string, model: RandomModel): Promise<Record<string, number>> {
  const { unet, vae, textEncoder, clip } = model;
  await writeText(folder, 'model_index.json', {
    _class_name: 'StableDiffusionPipeline',
    scheduler: ['diffusers', scheduler._class_name],
    text_encoder: ['transformers', 'CLIPTextModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
    feature_extractor: [null, null],
    safety_checker: [null, null],
  });
  await writeText(folder, 'scheduler/scheduler_config.json', scheduler);
  const judge = join(folder, rewardFolder);
  for (const place of [join(folder, 'tokenizer'), judge]) await writeClipTokenizer(place, vocabulary, promptLength);
  const { image_size: size } = clipConfig(clip).vision;
  await writeText(judge, 'preprocessor_config.json', {
    do_resize: true,
    size: { shortest_edge: size },
    crop_size: { height: size, width: size },
  });
  const weights = 'diffusion_pytorch_model.safetensors';
  return {
    unet: await writePart(join(folder, 'unet'), weights, unet, unetShapes(unetConfig(unet))),
    vae: await writePart(join(folder, 'vae'), weights, vae, autoencoderKLShapes(autoencoderKLConfig(vae))),
    text_encoder: await writePart(
      join(folder, 'text_encoder'),
      'model.safetensors',
      textEncoder,
      clipTextShapes(clipTextConfig(textEncoder)),
    ),
    [rewardFolder]: await writePart(judge, 'model.safetensors', clip, clipShapes(clipConfig(clip))),
  };
}

async function writePart(folder: string, file: string, config: Json, shapes: Shapes): Promise<number> {
  const { normal } = randomStream(7);
  const tensors = [...shapes].map(([name, shape]) => [name, randomTensor(name, shape, normal)] as const);
  await writeText(folder, 'config.json', config);
  await writeFile(folder, file, writeSafetensors(new Map(tensors), { format: 'pt' }));
  return tensors.reduce((sum, [, { values }]) => sum + values.length, 0);
}
