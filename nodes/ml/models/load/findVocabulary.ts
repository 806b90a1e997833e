import { UserError } from '../../../errors.ts';
import { type Files, folderOf, joinPath } from '../../../files.ts';
import type { BytePairVocabulary } from '../../text/bytePairs.ts';
import { holdsClipTokenizer } from '../../text/clipTokenizer.ts';
import { CLIP_VOCABULARY_SIZE, clipVocabulary } from '../../text/clipVocabulary.ts';
import { readVocabulary } from '../../text/readVocabulary.ts';

export interface FoundVocabulary extends Pick<BytePairVocabulary, 'vocab' | 'merges'> {
  readonly path: string;
}

/**
 * The CLIP vocabulary for a model that carries none itself, as single files do: the published one where the model has its
 * number of tokens; else one of `size` tokens from the folder that its file or folder lies in, or from a folder in that.
 * Throws UserError `NO_TOKENIZER`, which says where it looked and what helps.
 */
export async function findVocabulary(files: Files, path: string, size: number): Promise<FoundVocabulary> {
  if (size === CLIP_VOCABULARY_SIZE) return { ...(await clipVocabulary()), path: 'the vocabulary of CLIP' };
  const here = folderOf(path);
  const beside = ((await files.list(here)) ?? []).filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1));
  const folders = [here, ...beside.map((name) => joinPath(here, name))];
  for (const folder of folders.flatMap((each) => [each, joinPath(each, 'tokenizer')])) {
    if (!(await holdsClipTokenizer(files, folder).catch(() => false))) continue; // a folder that may not be read
    const vocabulary = await readVocabulary(files, folder).catch(() => undefined); // another kind of tokenizer
    if (vocabulary && Object.keys(vocabulary.vocab).length === size) return { ...vocabulary, path: folder };
  }
  throw new UserError(
    'NO_TOKENIZER',
    `"${path}" needs a CLIP vocabulary of ${size} tokens, which it does not carry; the published one has ${CLIP_VOCABULARY_SIZE}. Put vocab.json and merges.txt of its tokenizer beside it ("${here}").`,
  );
}
