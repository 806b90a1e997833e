import { join } from 'node:path';
import type { PatchBasis } from '../../nodes/ml/train/patchBasis.ts';
import { textToImageConfigs as configs, PROMPT_LENGTH } from '../../nodes/ml/train/textToImage.ts';
import { textLayout, unetLayout } from '../../nodes/ml/train/textToImageTraining.ts';
import { type StoredTensor, writeSafetensors } from '../../nodes/ml/weights/writeSafetensors.ts';
import { captionWords } from '../../nodes/ml/world/words.ts';
import { writeClipTokenizer, writeFile, writeText, writeWeights } from './modelFolder.ts';

/** Writes a trained text-to-image model (text encoder, then U-Net) as a diffusers folder, weights in float16. */
export async function exportTextToImage(
  folder: string,
  parameters: Float32Array,
  basis: PatchBasis,
  recommended: { steps: number; guidance_scale: number } = configs.recommended,
): Promise<void> {
  const json = (name: string, content: object) => writeText(folder, name, content);
  await json('model_index.json', {
    _class_name: 'StableDiffusionPipeline',
    scheduler: ['diffusers', configs.scheduler._class_name],
    text_encoder: ['transformers', 'CLIPTextModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    unet: ['diffusers', configs.unet._class_name],
    vae: ['noiseloom', configs.vae._class_name],
    recommended,
    words: captionWords,
  });
  await json('scheduler/scheduler_config.json', configs.scheduler);
  await json('text_encoder/config.json', configs.textEncoder);
  await json('unet/config.json', configs.unet);
  await json('vae/config.json', configs.vae);
  await writeClipTokenizer(join(folder, 'tokenizer'), configs.vocabulary, PROMPT_LENGTH);
  for (const [prefix, file] of [
    ['unet.', 'unet/diffusion_pytorch_model.safetensors'],
    ['text_encoder.', 'text_encoder/model.safetensors'],
  ] as const) {
    const stored = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined);
    await writeWeights(folder, file, [...textLayout, ...unetLayout], parameters, stored);
  }
  await writeFile(folder, 'vae/diffusion_pytorch_model.safetensors', writeSafetensors(basisFile(basis)));
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
