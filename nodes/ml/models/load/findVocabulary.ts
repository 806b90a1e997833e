import { UserError } from '../../../errors.ts';
import { type Files, joinPath } from '../../../files.ts';
import type { BytePairVocabulary } from '../../text/bytePairs.ts';
import { holdsClipTokenizer } from '../../text/clipTokenizer.ts';
import { readVocabulary } from '../../text/readVocabulary.ts';

export interface FoundVocabulary extends Pick<BytePairVocabulary, 'vocab' | 'merges'> {
  readonly path: string;
}

/** Models whose CLIP vocabulary is the one that all Stable Diffusion files use. */
const published = [
  'openai/clip-vit-large-patch14',
  'stable-diffusion-v1-5/stable-diffusion-v1-5',
  'stabilityai/sd-turbo',
  'stabilityai/stable-diffusion-2-1',
  'stabilityai/sdxl-turbo',
  'stabilityai/stable-diffusion-xl-base-1.0',
];

/**
 * The CLIP vocabulary for a model that carries none itself, as single files do: from the folder that its file or folder
 * lies in, from a folder beside it, or from a published model that was pulled. Only one of `size` tokens counts.
 * Throws UserError `NO_TOKENIZER`, which says where it looked and what helps.
 */
export async function findVocabulary(files: Files, path: string, size: number): Promise<FoundVocabulary> {
  const here = path.replace(/[\\/][^\\/]*$/, '') || '.';
  const beside = ((await files.list(here)) ?? []).filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1));
  const folders = [here, ...beside.map((name) => joinPath(here, name))];
  for (const model of published) {
    const pulled = await files.locate(model).catch(() => undefined);
    if (pulled !== undefined) folders.push(pulled);
  }
  for (const folder of folders.flatMap((each) => [each, joinPath(each, 'tokenizer')])) {
    if (!(await holdsClipTokenizer(files, folder))) continue;
    const vocabulary = await readVocabulary(files, folder).catch(() => undefined); // another kind of tokenizer
    if (vocabulary && Object.keys(vocabulary.vocab).length === size) return { ...vocabulary, path: folder };
  }
  throw new UserError(
    'NO_TOKENIZER',
    `"${path}" needs the CLIP vocabulary of ${size} tokens, which it does not carry. Put vocab.json and merges.txt of openai/clip-vit-large-patch14 beside it ("${here}"), or pull that model once: noiseloom models pull openai/clip-vit-large-patch14.`,
  );
}
