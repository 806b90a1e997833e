import { describe, expect, it } from 'vitest';
import { ldmControlNet, ldmUnet, transformersText } from '../../../../nodes/ml/weights/ldmNames.ts';
import { openClipText } from '../../../../nodes/ml/weights/openClipNames.ts';

/** Names as they stand in v1-5-pruned.safetensors, and what diffusers calls the same tensors. */
const unet = {
  'input_blocks.0.0.weight': 'conv_in.weight',
  'input_blocks.3.0.op.weight': 'down_blocks.0.downsamplers.0.conv.weight',
  'input_blocks.4.0.skip_connection.bias': 'down_blocks.1.resnets.0.conv_shortcut.bias',
  'input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight':
    'down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_k.weight',
  'input_blocks.11.0.in_layers.2.weight': 'down_blocks.3.resnets.1.conv1.weight',
  'middle_block.0.emb_layers.1.weight': 'mid_block.resnets.0.time_emb_proj.weight',
  'middle_block.1.proj_in.weight': 'mid_block.attentions.0.proj_in.weight',
  'middle_block.2.out_layers.3.bias': 'mid_block.resnets.1.conv2.bias',
  'output_blocks.2.1.conv.weight': 'up_blocks.0.upsamplers.0.conv.weight',
  'output_blocks.5.2.conv.bias': 'up_blocks.1.upsamplers.0.conv.bias',
  'output_blocks.11.1.proj_out.weight': 'up_blocks.3.attentions.2.proj_out.weight',
  'output_blocks.11.0.out_layers.0.weight': 'up_blocks.3.resnets.2.norm2.weight',
  'time_embed.2.bias': 'time_embedding.linear_2.bias',
  'out.2.weight': 'conv_out.weight',
};
/** Names as they stand in control_v11p_sd15_canny.pth. */
const controlNet = {
  'input_hint_block.0.weight': 'controlnet_cond_embedding.conv_in.weight',
  'input_hint_block.2.weight': 'controlnet_cond_embedding.blocks.0.weight',
  'input_hint_block.12.bias': 'controlnet_cond_embedding.blocks.5.bias',
  'input_hint_block.14.weight': 'controlnet_cond_embedding.conv_out.weight',
  'zero_convs.11.0.weight': 'controlnet_down_blocks.11.weight',
  'middle_block_out.0.bias': 'controlnet_mid_block.bias',
  'input_blocks.3.0.op.weight': 'down_blocks.0.downsamplers.0.conv.weight',
  'input_blocks.10.0.in_layers.0.weight': 'down_blocks.3.resnets.0.norm1.weight',
};

describe('names of latent-diffusion', () => {
  it('U-Net', () => {
    const prefix = 'model.diffusion_model.';
    const sources = ldmUnet([...Object.keys(unet).map((name) => prefix + name), 'model_ema.decay']);
    expect([...sources]).toEqual(Object.entries(unet).map(([from, to]) => [to, { name: prefix + from }]));
  });

  it.each(['control_model.', ''])('ControlNet below "%s"', (prefix) => {
    const sources = ldmControlNet(
      Object.keys(controlNet).map((name) => prefix + name),
      prefix,
    );
    expect([...sources]).toEqual(Object.entries(controlNet).map(([from, to]) => [to, { name: prefix + from }]));
  });

  it('text encoders', () => {
    expect([...transformersText(['t.text_model.embeddings.position_ids', 't.final_layer_norm.bias'], 't.')]).toEqual([
      ['text_model.final_layer_norm.bias', { name: 't.final_layer_norm.bias' }],
    ]);
    expect([...transformersText(['text_projection.weight', 'embeddings.x'], '').keys()]).toEqual([
      'text_projection.weight',
      'text_model.embeddings.x',
    ]);
    const layer = 'm.transformer.resblocks.1';
    const names = [`${layer}.ln_1.weight`, `${layer}.attn.in_proj_bias`, 'm.text_projection', 'm.logit_scale'];
    const to = 'text_model.encoder.layers.1';
    expect([...openClipText(names, 'm.')]).toEqual([
      [`${to}.layer_norm1.weight`, { name: `${layer}.ln_1.weight` }],
      [`${to}.self_attn.q_proj.bias`, { name: `${layer}.attn.in_proj_bias`, part: { index: 0, of: 3 } }],
      [`${to}.self_attn.k_proj.bias`, { name: `${layer}.attn.in_proj_bias`, part: { index: 1, of: 3 } }],
      [`${to}.self_attn.v_proj.bias`, { name: `${layer}.attn.in_proj_bias`, part: { index: 2, of: 3 } }],
      ['text_projection.weight', { name: 'm.text_projection', transposed: true }],
    ]);
    expect([...openClipText(names, 'm.', 1).keys()]).toEqual(['text_projection.weight']);
  });
});
