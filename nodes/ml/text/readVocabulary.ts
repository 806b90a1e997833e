import { UserError } from '../../errors.ts';
import { type Files, joinPath } from '../../files.ts';
import { badTokenizer } from './badTokenizer.ts';
import type { BytePairVocabulary } from './bytePairs.ts';

/** vocab.json with merges.txt, or tokenizer.json. Throws UserError `NOT_FOUND` or `BAD_TOKENIZER`. */
export async function readVocabulary(
  files: Files,
  folder: string,
): Promise<Pick<BytePairVocabulary, 'vocab' | 'merges'>> {
  const vocab = await readJson(files, joinPath(folder, 'vocab.json'));
  const mergesPath = joinPath(folder, 'merges.txt');
  if (vocab !== undefined && (await files.size(mergesPath)) !== undefined) {
    const lines = new TextDecoder().decode(await files.read(mergesPath)).split(/\r?\n/);
    return {
      vocab: checkedVocab(vocab, folder),
      merges: lines.filter((line) => /^\S+ \S+$/.test(line) && !isHeader(line)),
    };
  }
  const whole = (await readJson(files, joinPath(folder, 'tokenizer.json'))) as
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
    throw badTokenizer(folder, `its tokenizer.json is of type ${JSON.stringify(type)}, not "BPE"`);
  const texts = merges.map((pair: unknown) => (Array.isArray(pair) ? pair.join(' ') : String(pair)));
  return { vocab: checkedVocab(inner, folder), merges: texts };
}

function isHeader(line: string): boolean {
  return line.startsWith('#version');
}

function checkedVocab(vocab: unknown, folder: string): Record<string, number> {
  const isVocab =
    typeof vocab === 'object' && vocab !== null && Object.values(vocab).every((id) => Number.isInteger(id) && id >= 0);
  if (!isVocab) throw badTokenizer(folder, 'its vocabulary is not a table of tokens and whole numbers');
  return Object.assign(Object.create(null), vocab) as Record<string, number>;
}

/** Undefined where there is no such file. Throws UserError `BAD_FILE`. */
export async function readJson(files: Files, path: string): Promise<unknown> {
  if ((await files.size(path)) === undefined) return undefined;
  const text = new TextDecoder().decode(await files.read(path));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError('BAD_FILE', `"${path}" is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
}
