import { describe, expect, it } from 'vitest';
import { library } from '../../../../nodes/index.ts';
import { fileKinds, seemsLike } from '../../../../nodes/ml/weights/fileKinds.ts';

describe('what a file looks like', () => {
  it.each([
    ['lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight', 'a LoRA'],
    ['unet.down_blocks.0.attentions.0.to_k.lora_A.weight', 'a LoRA'],
    ['unet.mid_block.attentions.0.processor.to_q_lora.up.weight', 'a LoRA'],
    ['lora_unet_mid_block_attentions_0.hada_w1_a', 'a LyCORIS'],
    ['lora_te_text_model_encoder_layers_0_mlp_fc1.lokr_w1', 'a LyCORIS'],
    ['emb_params', 'textual inversion'],
    ['string_to_param/*', 'textual inversion'],
    ['<cat-toy>', 'textual inversion'],
    ['clip_g', 'textual inversion'],
    ['image_proj.proj.weight', 'an IP-Adapter'],
    ['ip_adapter.1.to_k_ip.weight', 'an IP-Adapter'],
    ['body.0.block1.weight', 'a T2I-Adapter'],
    ['lllite_unet_input_blocks_4_1.down.0.weight', 'a ControlNet-LLLite'],
    ['down_blocks.0.base_to_ctrl.0.weight', 'a ControlNet-XS'],
    ['difference', 'the difference of a ControlNet'],
    ['control_add_embedding.linear_1.weight', 'a union ControlNet'],
    ['lora_controlnet', 'a Control-LoRA'],
    ['control_model.input_hint_block.0.weight', 'a ControlNet, which model/load-controlnet takes'],
    ['controlnet_cond_embedding.conv_in.weight', 'a ControlNet'],
    ['decoder.conv_in.weight', 'a VAE, which model/swap-decoder takes'],
    ['first_stage_model.decoder.up.0.block.0.conv1.weight', 'a VAE'],
    ['model.diffusion_model.out.0.weight', 'a U-Net without'],
    ['down_blocks.0.resnets.0.conv1.weight', 'a U-Net without'],
    ['text_model.embeddings.token_embedding.weight', 'a text encoder'],
    ['encoder.block.0.layer.0.SelfAttention.q.weight', 'a T5 text encoder'],
    ['visual.conv1.weight', 'a CLIP of both'],
    ['model.1.sub.0.RDB1.conv1.0.weight', 'an upscaler'],
    ['double_blocks.0.img_attn.qkv.weight', 'Flux'],
    ['model.diffusion_model.joint_blocks.0.x_block.mlp.fc1.weight', 'Stable Diffusion 3'],
    ['down_blocks.0.motion_modules.0.norm.bias', 'an AnimateDiff'],
  ])('%s: %s', (name, what) => expect(seemsLike([name])).toContain(`It looks like ${what}`));

  it('is not guessed of names that say nothing', () => expect(seemsLike(['weight', 'a.b'])).toBe(''));

  it('names nodes that exist', () => {
    const named = fileKinds.flatMap(({ node }) => node ?? []);
    expect(named.length).toBeGreaterThan(2);
    for (const node of named) expect(library.get(node)?.type).toBe(node);
  });
});
