import { dirname, join } from 'node:path';
import type { BytePairVocabulary } from '../../nodes/ml/text/bytePairs.ts';
import type { ParameterLayout } from '../../nodes/ml/train/flatParameters.ts';
import { writeModelWeights } from '../../nodes/ml/train/writeModelWeights.ts';
import { makeFolder, writeAtomic } from '../files/disk.ts';

/** Writes a text file, or a value as JSON, into a model's folder. */
export async function writeText(folder: string, name: string, content: string | object): Promise<void> {
  await writeFile(folder, name, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`);
}

/** Writes those parameters as safetensors in float16 whose names `stored` keeps, under the names that it gives them. */
export async function writeWeights(
  folder: string,
  name: string,
  layout: ParameterLayout,
  parameters: Float32Array,
  stored?: (name: string) => string | undefined,
): Promise<void> {
  await writeFile(folder, name, writeModelWeights(layout, parameters, stored));
}

const special = {
  bos_token: '<|startoftext|>',
  eos_token: '<|endoftext|>',
  unk_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
};

/** Writes a CLIP tokenizer of prompts of `length` tokens as transformers does. */
export async function writeClipTokenizer(
  folder: string,
  { vocab, merges }: Pick<BytePairVocabulary, 'vocab' | 'merges'>,
  length: number,
): Promise<void> {
  await writeText(folder, 'vocab.json', vocab);
  await writeText(folder, 'merges.txt', `#version: 0.2\n${merges.join('\n')}\n`);
  await writeText(folder, 'tokenizer_config.json', {
    tokenizer_class: 'CLIPTokenizer',
    model_max_length: length,
    ...special,
  });
  await writeText(folder, 'special_tokens_map.json', special);
}

/** Writes a file into a model's folder, whole or not at all. */
export async function writeFile(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const path = join(folder, name);
  await makeFolder(dirname(path));
  await writeAtomic(path, content);
}
