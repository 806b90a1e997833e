import type { Checkpoint } from '../../weights/checkpoint.ts';
import type { Json } from '../unetConfig.ts';

/**
 * Configs of networks from the names (diffusers' and transformers') and shapes of their weights. What shapes do not show
 * is what the published models have. Source: specs of Stable Diffusion 1, 2 and XL as diffusers publishes their config.json.
 */

/** Width of an attention head in open_clip's encoders, in CLIP ViT-L, and in the U-Nets of Stable Diffusion 2 and XL. */
const HEAD_WIDTH = 64;

/** config.json of a U-Net. */
export function unetJson(file: Checkpoint): Json {
  const levels = countOf(file, (i) => `up_blocks.${i}.resnets.0.conv1.weight`);
  return {
    ...encoderJson(file),
    out_channels: sizeOf(file, 'conv_out.weight', 0),
    up_block_types: Array.from({ length: levels }, (_, i) =>
      depthOf(file, `up_blocks.${i}`) > 0 ? 'CrossAttnUpBlock2D' : 'UpBlock2D',
    ),
  };
}

/** config.json of a ControlNet. */
export function controlNetJson(file: Checkpoint): Json {
  const embedding = 'controlnet_cond_embedding';
  const pairs = countOf(file, (i) => `${embedding}.blocks.${2 * i}.weight`);
  return {
    ...encoderJson(file),
    conditioning_channels: sizeOf(file, `${embedding}.conv_in.weight`, 1),
    conditioning_embedding_out_channels: [
      sizeOf(file, `${embedding}.conv_in.weight`, 0),
      ...Array.from({ length: pairs }, (_, i) => sizeOf(file, `${embedding}.blocks.${2 * i + 1}.weight`, 0)),
    ],
  };
}

/** What a U-Net and a ControlNet share. */
function encoderJson(file: Checkpoint): Json {
  const levels = countOf(file, (i) => `down_blocks.${i}.resnets.0.conv1.weight`);
  const all = Array.from({ length: levels }, (_, i) => i);
  const channels = all.map((i) => sizeOf(file, `down_blocks.${i}.resnets.0.conv1.weight`, 0));
  const depths = all.map((i) => depthOf(file, `down_blocks.${i}`));
  const middleDepth = depthOf(file, 'mid_block');
  const crossAttention = file.names().find((name) => name.endsWith('attn2.to_k.weight'));
  const projection = file.names().find((name) => name.endsWith('attentions.0.proj_in.weight'));
  // Without attention, none of the two kinds: only models after Stable Diffusion 1 were published so.
  const linear = projection === undefined || file.entry(projection).shape.length === 2;
  return {
    in_channels: sizeOf(file, 'conv_in.weight', 1),
    block_out_channels: channels,
    layers_per_block: countOf(file, (i) => `down_blocks.0.resnets.${i}.conv1.weight`),
    down_block_types: depths.map((depth) => (depth > 0 ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    mid_block_type: middleTypeOf(file),
    transformer_layers_per_block: depths.map((depth, i) => depth || (i === levels - 1 && middleDepth) || 1),
    ...(crossAttention !== undefined && { cross_attention_dim: sizeOf(file, crossAttention, 1) }),
    use_linear_projection: linear,
    // The number of heads, whatever the name says: eight in Stable Diffusion 1, heads of one width in all later models.
    attention_head_dim: linear ? channels.map((width) => width / HEAD_WIDTH) : 8,
    ...(file.has('add_embedding.linear_1.weight') && {
      addition_embed_type: 'text_time',
      addition_time_embed_dim: 256,
      projection_class_embeddings_input_dim: sizeOf(file, 'add_embedding.linear_1.weight', 1),
    }),
  };
}

function middleTypeOf(file: Checkpoint): string | null {
  if (file.has('mid_block.attentions.0.norm.weight')) return 'UNetMidBlock2DCrossAttn';
  return file.has('mid_block.resnets.0.conv1.weight') ? 'UNetMidBlock2D' : null;
}

/** Transformer layers of a block's first attention. */
function depthOf(file: Checkpoint, block: string): number {
  return countOf(file, (i) => `${block}.attentions.0.transformer_blocks.${i}.norm1.weight`);
}

/** config.json of an AutoencoderKL; the decoder tells, since some files have no encoder. */
export function autoencoderJson(file: Checkpoint, scalingFactor: number): Json {
  const levels = countOf(file, (i) => `decoder.up_blocks.${i}.resnets.0.conv1.weight`);
  return {
    _class_name: 'AutoencoderKL',
    latent_channels: sizeOf(file, 'decoder.conv_in.weight', 1),
    block_out_channels: Array.from({ length: levels }, (_, i) =>
      sizeOf(file, `decoder.up_blocks.${levels - 1 - i}.resnets.0.conv1.weight`, 0),
    ),
    layers_per_block: countOf(file, (i) => `decoder.up_blocks.0.resnets.${i}.conv1.weight`) - 1,
    use_quant_conv: file.has('quant_conv.weight'),
    use_post_quant_conv: file.has('post_quant_conv.weight'),
    mid_block_add_attention: file.has('decoder.mid_block.attentions.0.to_q.weight'),
    scaling_factor: scalingFactor,
  };
}

/** config.json of a CLIP text encoder. OpenAI's use quick GELU, open_clip's the exact one. */
export function textJson(file: Checkpoint, openClip: boolean): Json {
  const tokens = 'text_model.embeddings.token_embedding.weight';
  const projected = file.has('text_projection.weight');
  return {
    architectures: [projected ? 'CLIPTextModelWithProjection' : 'CLIPTextModel'],
    vocab_size: sizeOf(file, tokens, 0),
    hidden_size: sizeOf(file, tokens, 1),
    intermediate_size: sizeOf(file, 'text_model.encoder.layers.0.mlp.fc1.weight', 0),
    num_hidden_layers: countOf(file, (i) => `text_model.encoder.layers.${i}.mlp.fc1.weight`),
    num_attention_heads: sizeOf(file, tokens, 1) / HEAD_WIDTH,
    max_position_embeddings: sizeOf(file, 'text_model.embeddings.position_embedding.weight', 0),
    hidden_act: openClip ? 'gelu' : 'quick_gelu',
    eos_token_id: 2, // pooled at the largest id
    ...(projected && { projection_dim: sizeOf(file, 'text_projection.weight', 0) }),
  };
}

/** How many of the names for 0, 1, 2 ... there are. */
export function countOf(file: Checkpoint, nameOf: (i: number) => string): number {
  let count = 0;
  while (file.has(nameOf(count))) count++;
  return count;
}

/** Throws UserError `MISSING_WEIGHT`. */
export function sizeOf(file: Checkpoint, name: string, axis: number): number {
  return file.entry(name).shape[axis] as number;
}
