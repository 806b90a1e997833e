import { UserError } from '../../errors.ts';
import { type Files, joinPath } from '../../files.ts';
import { type JsonLimits, parseJson } from '../../parseJson.ts';
import { quote } from '../../quote.ts';
import { largest, readText } from '../../readWhole.ts';
import { badTokenizer } from './badTokenizer.ts';
import type { BytePairVocabulary } from './bytePairs.ts';

/** Of the tokenizer.json of Gemma: 256,000 tokens and 580,000 merges as pairs. */
export const vocabularyLimits: JsonLimits = { depth: 64, values: 5_000_000 };

/** vocab.json with merges.txt, or tokenizer.json. Throws UserError `NOT_FOUND` or `BAD_TOKENIZER`. */
export async function readVocabulary(
  files: Files,
  folder: string,
): Promise<Pick<BytePairVocabulary, 'vocab' | 'merges'>> {
  const vocab = await readJson(files, joinPath(folder, 'vocab.json'), largest.vocabulary);
  const mergesPath = joinPath(folder, 'merges.txt');
  if (vocab !== undefined && (await files.size(mergesPath)) !== undefined) {
    const lines = (await readText(files, mergesPath, largest.merges)).split(/\r?\n/);
    return {
      vocab: checkedVocab(vocab, folder),
      merges: lines.filter((line) => /^\S+ \S+$/.test(line) && !isHeader(line)),
    };
  }
  const whole = (await readJson(files, joinPath(folder, 'tokenizer.json'), largest.vocabulary)) as
    | { model?: Record<string, unknown> | null }
    | null
    | undefined;
  if (whole === undefined) {
    const found = (await files.list(folder))?.join(', ');
    const state = found === undefined ? 'there is no such folder' : `it holds ${found || 'nothing'}`;
    throw new UserError(
      'NOT_FOUND',
      `"${folder}" has no tokenizer: looked for vocab.json with merges.txt, and for tokenizer.json; ${state}.`,
    );
  }
  const { vocab: inner, merges, type } = whole?.model ?? {};
  if (type !== 'BPE' || !Array.isArray(merges))
    throw badTokenizer(folder, `its tokenizer.json is of type ${quote(type)}, not "BPE"`);
  const texts = merges.map((pair: unknown) => {
    const text = Array.isArray(pair) && pair.length === 2 ? `${pair[0]} ${pair[1]}` : pair;
    if (typeof text === 'string' && (text === pair || (pair as unknown[]).every((part) => typeof part === 'string')))
      return text;
    throw badTokenizer(folder, `one of its merges is ${quote(pair)}, not two tokens`);
  });
  return { vocab: checkedVocab(inner, folder), merges: texts };
}

function isHeader(line: string): boolean {
  return line.startsWith('#version');
}

function checkedVocab(vocab: unknown, folder: string): Record<string, number> {
  const isVocab =
    typeof vocab === 'object' &&
    vocab !== null &&
    Object.values(vocab).every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 24);
  if (!isVocab) throw badTokenizer(folder, 'its vocabulary is not a table of tokens and whole numbers');
  return Object.assign(Object.create(null), vocab) as Record<string, number>;
}

/** Undefined where there is no such file. Throws UserError `BAD_FILE` or `TOO_LARGE`. */
export async function readJson(files: Files, path: string, most: number = largest.config): Promise<unknown> {
  if ((await files.size(path)) === undefined) return undefined;
  const text = await readText(files, path, most);
  try {
    return parseJson(text, vocabularyLimits);
  } catch (cause) {
    throw new UserError('BAD_FILE', `"${path}" is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
}
