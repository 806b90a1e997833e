import { UserError } from '../../../errors.ts';
import { type Files, folderOf } from '../../../files.ts';
import { quote } from '../../../quote.ts';
import { badTokenizer } from '../../text/badTokenizer.ts';
import { type Gpt2Tokenizer, type Gpt2Vocabulary, gpt2Tokenizer } from '../../text/gpt2Tokenizer.ts';
import { readVocabulary } from '../../text/readVocabulary.ts';
import { mappedCheckpoint } from '../../weights/mappedCheckpoint.ts';
import { openWhole } from '../../weights/wholeFile.ts';
import { type Gpt2, type Gpt2Config, gpt2, gpt2Config, gpt2Shapes } from '../gpt2.ts';
import type { Json } from '../unetConfig.ts';
import { type LoadOptions, loadParts } from './loadParts.ts';
import { contentOf, findWeights, nameOf, readConfig } from './modelFolder.ts';

/** A GPT-2 with its weights in memory. */
export interface LoadedGpt2 extends Gpt2 {
  readonly name: string;
  readonly config: Gpt2Config;
  readonly tokenizer: Gpt2Tokenizer;
  /** Bytes of weights held. */
  readonly bytes: number;
  dispose(): void;
}

/**
 * Loads a GPT-2: a folder or snapshot of transformers, or a file of weights in one. The caller owns it. Throws UserError
 * `NOT_FOUND`, `UNSUPPORTED`, `BAD_CONFIG`, `BAD_CHECKPOINT`, `WRONG_WEIGHTS`, `NO_TOKENIZER`, `BAD_TOKENIZER`,
 * `NOT_ENOUGH_MEMORY`, or the signal's reason.
 */
export async function loadGpt2(files: Files, location: string, options: LoadOptions = {}): Promise<LoadedGpt2> {
  const path = await files.locate(location);
  const isFolder = (await files.list(path)) !== undefined;
  const folder = isFolder ? path : folderOf(path);
  const config = gpt2Config(await readConfig(files, folder));
  const tokenizer = await tokenizerOf(files, folder, config.vocab_size);
  const stored = await openWhole(files, isFolder ? await findWeights(files, folder) : path);
  // GPT2LMHeadModel puts this before every name; GPT2Model, as the first published files, does not.
  const names = stored.names().map((name) => [name.replace(/^transformer\./, ''), { name }] as const);
  const checkpoint = mappedCheckpoint(stored, new Map(names));
  const part = { title: 'GPT-2', checkpoint, shapes: gpt2Shapes(config), file: stored };
  const { weights, bytes, dispose } = await loadParts(nameOf(path), { whole: part }, options);
  return { ...gpt2(weights.whole, config), name: nameOf(path), config, tokenizer, bytes, dispose };
}

/** The tokenizer of vocab.json and merges.txt, or of tokenizer.json; `size`: the tokens that the model knows. */
async function tokenizerOf(files: Files, folder: string, size: number): Promise<Gpt2Tokenizer> {
  const names = (await files.list(folder)) ?? [];
  const whole = 'tokenizer.json';
  if (!names.includes(whole) && !(names.includes('vocab.json') && names.includes('merges.txt')))
    throw new UserError(
      'NO_TOKENIZER',
      `"${folder}" has no tokenizer: GPT-2 needs its own vocab.json with merges.txt, or tokenizer.json; ${await contentOf(files, folder)}.`,
    );
  const vocabulary = await readVocabulary(files, folder);
  const foreign = Object.entries(vocabulary.vocab).find(([, id]) => id >= size);
  if (foreign)
    throw badTokenizer(folder, `its token ${quote(foreign[0])} is number ${foreign[1]}, and the model knows ${size}`);
  const added = names.includes(whole) ? addedTokens(await readConfig(files, folder, whole), folder) : [];
  return gpt2Tokenizer({ ...vocabulary, added: added.filter(({ id }) => id < size) }, folder);
}

/** The added tokens of tokenizer.json, which must split texts as GPT-2 does. */
function addedTokens(json: Json, folder: string): Gpt2Vocabulary['added'] {
  const { normalizer = null, pre_tokenizer: splitter, added_tokens: listed } = json;
  const { type = 'ByteLevel', add_prefix_space: prefixed = false } = (splitter ?? {}) as Json;
  if (normalizer !== null || type !== 'ByteLevel' || prefixed !== false)
    throw badTokenizer(
      folder,
      `its tokenizer.json splits texts by ${quote({ normalizer, splitter })}, not as GPT-2 does`,
    );
  return (Array.isArray(listed) ? listed : []).map((token: Json | null) => {
    const { id, content, special } = token ?? {};
    if (!Number.isInteger(id) || (id as number) < 0 || typeof content !== 'string' || content === '')
      throw badTokenizer(folder, `its tokenizer.json lists an added token ${quote(token)}`);
    return { id: id as number, content, special: special === true };
  });
}
