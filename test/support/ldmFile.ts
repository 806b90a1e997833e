import type { StoredTensor } from '../../nodes/ml/weights/writeSafetensors.ts';
import type { Tensors, TinyModel } from './tinyModels.ts';

/**
 * A diffusers model as one file with the names of CompVis' latent-diffusion and of open_clip: the way back from what the
 * loader does, written on its own as substitutions from diffusers' names (the direction of diffusers' published
 * conversion scripts), so that a mistake in one of them shows.
 */
export function ldmFile({ kind, components }: TinyModel): Tensors {
  const file: Tensors = new Map();
  const unet = components.unet!.tensors;
  const crossed = unet.has('up_blocks.0.attentions.0.norm.weight');
  for (const [name, tensor] of unet) file.set(`model.diffusion_model.${unetName(name, crossed)}`, tensor);
  for (const [name, tensor] of components.vae!.tensors)
    file.set(
      `first_stage_model.${vaeName(name)}`,
      /attentions.*to_.*weight/.test(name) ? asConvolution(tensor) : tensor,
    );
  if (kind === 'sd2') addOpenClip(file, 'cond_stage_model.model.', components.text_encoder!.tensors, true);
  else {
    const prefix = kind === 'sd1' ? 'cond_stage_model.transformer.' : 'conditioner.embedders.0.transformer.';
    for (const [name, tensor] of components.text_encoder!.tensors) file.set(prefix + name, tensor);
  }
  if (kind === 'sdxl') addOpenClip(file, 'conditioner.embedders.1.model.', components.text_encoder_2!.tensors, false);
  return file;
}

/** Both levels of the tiny U-Nets have two layers: input blocks 0 | 1 2 3 | 4 5, output blocks 0 1 2 | 3 4 5. */
const unetBlocks: readonly (readonly [string, string])[] = [
  ['time_embedding.linear_1.', 'time_embed.0.'],
  ['time_embedding.linear_2.', 'time_embed.2.'],
  ['add_embedding.linear_1.', 'label_emb.0.0.'],
  ['add_embedding.linear_2.', 'label_emb.0.2.'],
  ['conv_in.', 'input_blocks.0.0.'],
  ['conv_norm_out.', 'out.0.'],
  ['conv_out.', 'out.2.'],
  ['down_blocks.0.resnets.0.', 'input_blocks.1.0.'],
  ['down_blocks.0.attentions.0.', 'input_blocks.1.1.'],
  ['down_blocks.0.resnets.1.', 'input_blocks.2.0.'],
  ['down_blocks.0.attentions.1.', 'input_blocks.2.1.'],
  ['down_blocks.0.downsamplers.0.conv.', 'input_blocks.3.0.op.'],
  ['down_blocks.1.resnets.0.', 'input_blocks.4.0.'],
  ['down_blocks.1.attentions.0.', 'input_blocks.4.1.'],
  ['down_blocks.1.resnets.1.', 'input_blocks.5.0.'],
  ['down_blocks.1.attentions.1.', 'input_blocks.5.1.'],
  ['mid_block.resnets.0.', 'middle_block.0.'],
  ['mid_block.attentions.0.', 'middle_block.1.'],
  ['mid_block.resnets.1.', 'middle_block.2.'],
  ['up_blocks.0.resnets.0.', 'output_blocks.0.0.'],
  ['up_blocks.0.attentions.0.', 'output_blocks.0.1.'],
  ['up_blocks.0.resnets.1.', 'output_blocks.1.0.'],
  ['up_blocks.0.attentions.1.', 'output_blocks.1.1.'],
  ['up_blocks.0.resnets.2.', 'output_blocks.2.0.'],
  ['up_blocks.0.attentions.2.', 'output_blocks.2.1.'],
  ['up_blocks.1.resnets.0.', 'output_blocks.3.0.'],
  ['up_blocks.1.attentions.0.', 'output_blocks.3.1.'],
  ['up_blocks.1.resnets.1.', 'output_blocks.4.0.'],
  ['up_blocks.1.attentions.1.', 'output_blocks.4.1.'],
  ['up_blocks.1.resnets.2.', 'output_blocks.5.0.'],
  ['up_blocks.1.attentions.2.', 'output_blocks.5.1.'],
];

/** The upsampler follows the transformer of its block, where there is one: its place is 1 or 2. */
export function unetName(name: string, crossed: boolean): string {
  if (name.startsWith('up_blocks.0.upsamplers'))
    return name.replace('up_blocks.0.upsamplers.0.', `output_blocks.2.${crossed ? 2 : 1}.`);
  const [from, to] = unetBlocks.find(([start]) => name.startsWith(start))!;
  const rest = name.slice(from.length);
  if (!from.includes('resnets')) return to + rest;
  return (
    to +
    rest
      .replace('norm1.', 'in_layers.0.')
      .replace('conv1.', 'in_layers.2.')
      .replace('norm2.', 'out_layers.0.')
      .replace('conv2.', 'out_layers.3.')
      .replace('time_emb_proj.', 'emb_layers.1.')
      .replace('conv_shortcut.', 'skip_connection.')
  );
}

/** Three levels; latent-diffusion counts the decoder's from the image. */
function vaeName(name: string): string {
  return name
    .replace(/down_blocks\.(\d)\.resnets\.(\d)/, 'down.$1.block.$2')
    .replace(/down_blocks\.(\d)\.downsamplers\.0/, 'down.$1.downsample')
    .replace('up_blocks.0', 'up.2')
    .replace('up_blocks.1', 'up.1')
    .replace('up_blocks.2', 'up.0')
    .replace(/(up\.\d)\.resnets\.(\d)/, '$1.block.$2')
    .replace(/(up\.\d)\.upsamplers\.0/, '$1.upsample')
    .replace('mid_block.resnets.0', 'mid.block_1')
    .replace('mid_block.resnets.1', 'mid.block_2')
    .replace('mid_block.attentions.0', 'mid.attn_1')
    .replace('group_norm', 'norm')
    .replace('to_q', 'q')
    .replace('to_k', 'k')
    .replace('to_v', 'v')
    .replace('to_out.0', 'proj_out')
    .replace('conv_norm_out', 'norm_out')
    .replace('conv_shortcut', 'nin_shortcut');
}

function asConvolution({ dtype, shape, values }: StoredTensor): StoredTensor {
  return { dtype, shape: [...shape, 1, 1], values };
}

/** With `extraLayer`, a last layer that Stable Diffusion 2 does not use; and the projection it does not use either. */
function addOpenClip(file: Tensors, prefix: string, text: Tensors, extraLayer: boolean): void {
  const layers = [...text.keys()].filter((name) => name.endsWith('mlp.fc1.bias')).length;
  const get = (name: string) => text.get(name)!;
  file.set(`${prefix}token_embedding.weight`, get('text_model.embeddings.token_embedding.weight'));
  file.set(`${prefix}positional_embedding`, get('text_model.embeddings.position_embedding.weight'));
  file.set(`${prefix}ln_final.weight`, get('text_model.final_layer_norm.weight'));
  file.set(`${prefix}ln_final.bias`, get('text_model.final_layer_norm.bias'));
  file.set(`${prefix}logit_scale`, { dtype: 'F32', shape: [], values: Float32Array.of(4.6) });
  for (let i = 0; i < layers + (extraLayer ? 1 : 0); i++) {
    const from = `text_model.encoder.layers.${Math.min(i, layers - 1)}`;
    const to = `${prefix}transformer.resblocks.${i}`;
    for (const kind of ['weight', 'bias']) {
      const qkv = ['q_proj', 'k_proj', 'v_proj'].map((part) => get(`${from}.self_attn.${part}.${kind}`));
      file.set(`${to}.attn.in_proj_${kind}`, stacked(qkv));
      file.set(`${to}.attn.out_proj.${kind}`, get(`${from}.self_attn.out_proj.${kind}`));
      file.set(`${to}.ln_1.${kind}`, get(`${from}.layer_norm1.${kind}`));
      file.set(`${to}.ln_2.${kind}`, get(`${from}.layer_norm2.${kind}`));
      file.set(`${to}.mlp.c_fc.${kind}`, get(`${from}.mlp.fc1.${kind}`));
      file.set(`${to}.mlp.c_proj.${kind}`, get(`${from}.mlp.fc2.${kind}`));
    }
  }
  const projection = text.get('text_projection.weight') ?? get('text_model.encoder.layers.0.self_attn.q_proj.weight');
  file.set(`${prefix}text_projection`, transposed(projection));
}

function stacked(parts: readonly StoredTensor[]): StoredTensor {
  const [first] = parts as [StoredTensor];
  const values = Float32Array.from(parts.flatMap((part) => [...part.values]));
  return { dtype: first.dtype, shape: [first.shape[0]! * parts.length, ...first.shape.slice(1)], values };
}

function transposed({ dtype, shape, values }: StoredTensor): StoredTensor {
  const [rows, columns] = shape as [number, number];
  const turned = values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
  return { dtype, shape: [columns, rows], values: turned };
}
