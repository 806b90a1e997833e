import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOf } from '../nodes/ml/train/flatParameters.ts';
import type { PatchBasis } from '../nodes/ml/train/patchBasis.ts';
import { textToImageConfigs as configs, promptLength } from '../nodes/ml/train/textToImage.ts';
import { textLayout, unetLayout } from '../nodes/ml/train/textToImageTraining.ts';
import { type StoredTensor, toCheckpointLayout, writeSafetensors } from '../nodes/ml/weights/writeSafetensors.ts';
import { writeAtomic } from './files.ts';

const special = {
  bos_token: '<|startoftext|>',
  eos_token: '<|endoftext|>',
  unk_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
};

/** Writes a trained text-to-image model (text encoder, then U-Net) as a diffusers folder, weights in float16. */
export async function exportTextToImage(
  folder: string,
  parameters: Float32Array,
  basis: PatchBasis,
  recommended: { steps: number; guidance_scale: number } = configs.recommended,
): Promise<void> {
  const text = (name: string, content: string) => write(folder, name, content);
  const json = (name: string, content: object) => text(name, `${JSON.stringify(content, null, 2)}\n`);
  await json('model_index.json', {
    _class_name: 'StableDiffusionPipeline',
    scheduler: ['diffusers', configs.scheduler._class_name],
    text_encoder: ['transformers', 'CLIPTextModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    unet: ['diffusers', configs.unet._class_name],
    vae: ['noiseloom', configs.vae._class_name],
    recommended,
  });
  await json('scheduler/scheduler_config.json', configs.scheduler);
  await json('text_encoder/config.json', configs.textEncoder);
  await json('unet/config.json', configs.unet);
  await json('vae/config.json', configs.vae);
  await json('tokenizer/vocab.json', configs.vocabulary.vocab);
  await text('tokenizer/merges.txt', `#version: 0.2\n${configs.vocabulary.merges.join('\n')}\n`);
  await json('tokenizer/tokenizer_config.json', {
    tokenizer_class: 'CLIPTokenizer',
    model_max_length: promptLength,
    ...special,
  });
  await json('tokenizer/special_tokens_map.json', special);

  const stored = new Map<string, StoredTensor>();
  let offset = 0;
  for (const { name, shape } of [...textLayout, ...unetLayout]) {
    const values = parameters.subarray(offset, offset + sizeOf(shape));
    offset += values.length;
    stored.set(name, { dtype: 'F16', ...toCheckpointLayout(values, shape) });
  }
  for (const [prefix, file] of [
    ['unet.', 'unet/diffusion_pytorch_model.safetensors'],
    ['text_encoder.', 'text_encoder/model.safetensors'],
  ] as const) {
    const part = [...stored].filter(([name]) => name.startsWith(prefix));
    await write(folder, file, writeSafetensors(new Map(part.map(([name, it]) => [name.slice(prefix.length), it]))));
  }
  await write(folder, 'vae/diffusion_pytorch_model.safetensors', writeSafetensors(basisFile(basis)));
}

function basisFile({ encoder, decoder }: PatchBasis): Map<string, StoredTensor> {
  const [components, size] = [encoder.bias.length, decoder.bias.length];
  const stored = (values: Float32Array, ...shape: number[]): StoredTensor => ({ dtype: 'F32', shape, values });
  return new Map([
    ['encoder.weight', stored(encoder.weight, components, size)],
    ['encoder.bias', stored(encoder.bias, components)],
    ['decoder.weight', stored(decoder.weight, size, components)],
    ['decoder.bias', stored(decoder.bias, size)],
  ]);
}

async function write(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  await mkdir(join(folder, name, '..'), { recursive: true });
  await writeAtomic(join(folder, name), content);
}
