import { learnMerges } from '../text/learnMerges.ts';
import { captionWords } from '../world/words.ts';

/** Tokens per prompt: the longest caption of the world has 14 words, and a start and an end. */
export const PROMPT_LENGTH = 16;

const vocabulary = learnMerges(captionWords);
const vocabularySize = Object.keys(vocabulary.vocab).length;

/**
 * Configurations of the built-in text-to-image model in the fields of diffusers and transformers. Images 64x64, latents
 * 16x16x12 by a linear patch basis, v-prediction on the cosine schedule with trailing timesteps.
 */
export const textToImageConfigs = {
  vocabulary,
  /** What a node takes where its params say "the model's own". */
  recommended: { steps: 20, guidance_scale: 3 },
  textEncoder: {
    architectures: ['CLIPTextModel'],
    model_type: 'clip_text_model',
    vocab_size: vocabularySize,
    hidden_size: 128,
    intermediate_size: 384,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: PROMPT_LENGTH,
    hidden_act: 'quick_gelu',
    layer_norm_eps: 1e-5,
    projection_dim: 128,
    bos_token_id: vocabularySize - 2,
    eos_token_id: vocabularySize - 1,
    pad_token_id: vocabularySize - 1,
  },
  unet: {
    _class_name: 'UNet2DConditionModel',
    sample_size: 16,
    in_channels: 12,
    out_channels: 12,
    block_out_channels: [64, 128, 160],
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
    mid_block_type: 'UNetMidBlock2DCrossAttn',
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
    layers_per_block: 1,
    attention_head_dim: 4,
    cross_attention_dim: 128,
    addition_embed_type: 'text',
    addition_embed_type_num_heads: 4,
    norm_num_groups: 16,
    use_linear_projection: true,
    flip_sin_to_cos: true,
    freq_shift: 0,
  },
  vae: {
    _class_name: 'LinearPatchAutoencoder',
    in_channels: 3,
    latent_channels: 12,
    patch_size: 4,
    scaling_factor: 1,
  },
  scheduler: {
    _class_name: 'DDIMScheduler',
    num_train_timesteps: 1000,
    beta_schedule: 'squaredcos_cap_v2',
    beta_start: 0.0001,
    beta_end: 0.02,
    prediction_type: 'v_prediction',
    timestep_spacing: 'trailing',
    clip_sample: false,
    set_alpha_to_one: true,
    steps_offset: 0,
  },
} as const;
