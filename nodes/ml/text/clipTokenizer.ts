import { type Files, joinPath } from '../../files.ts';
import { badTokenizer } from './badTokenizer.ts';
import { type AddedToken, type BytePairVocabulary, bytePairs } from './bytePairs.ts';
import { readJson, readVocabulary } from './readVocabulary.ts';
import { type Tokenizer, tokenizerOf } from './tokenizer.ts';

/** The part of tokenizer_config.json and special_tokens_map.json that matters here. */
interface ClipTokenizerConfig {
  readonly model_max_length?: number;
  readonly bos_token?: SpecialToken;
  readonly eos_token?: SpecialToken;
  readonly unk_token?: SpecialToken;
  readonly pad_token?: SpecialToken;
  readonly added_tokens_decoder?: Readonly<Record<string, { readonly content: string; readonly normalized?: boolean }>>;
}
type SpecialToken = string | { readonly content: string; readonly normalized?: boolean };

/** The usual settings of CLIP's tokenizer, for a vocabulary that comes without a tokenizer_config.json. */
const usual = {
  bos_token: '<|startoftext|>',
  eos_token: '<|endoftext|>',
  unk_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
} as const;

/**
 * Loads the tokenizer of a transformers folder: vocab.json and merges.txt, or tokenizer.json; tokenizer_config.json and
 * special_tokens_map.json where they exist, and added tokens wherever they are listed. `size`: the tokens that the model
 * knows. Throws UserError `NOT_FOUND` or `BAD_TOKENIZER`.
 */
export async function loadClipTokenizer(
  files: Files,
  folder: string,
  size = Number.POSITIVE_INFINITY,
): Promise<Tokenizer> {
  const config: ClipTokenizerConfig = {
    ...((await readJson(files, joinPath(folder, 'special_tokens_map.json'))) as ClipTokenizerConfig),
    ...((await readJson(files, joinPath(folder, 'tokenizer_config.json'))) as ClipTokenizerConfig),
  };
  const added_tokens_decoder = { ...(await listedTokens(files, folder)), ...config.added_tokens_decoder };
  return clipTokenizer(await readVocabulary(files, folder), { ...config, added_tokens_decoder }, folder, size);
}

/** Added tokens in the older and the newer place: added_tokens.json, and the `added_tokens` of tokenizer.json. */
async function listedTokens(files: Files, folder: string): Promise<ClipTokenizerConfig['added_tokens_decoder']> {
  const older = Object.entries((await readJson(files, joinPath(folder, 'added_tokens.json'))) ?? {});
  const whole = (await readJson(files, joinPath(folder, 'tokenizer.json'))) as
    | { added_tokens?: unknown }
    | null
    | undefined;
  const newer = Array.isArray(whole?.added_tokens) ? whole.added_tokens : [];
  return Object.fromEntries([
    ...older.map(([content, id]) => [String(id), { content, normalized: true }]),
    ...newer.map((token: { id?: unknown } | null) => [String(token?.id), token]),
  ]);
}

/** Whether a folder holds a vocabulary that `loadClipTokenizer` reads. */
export async function holdsClipTokenizer(files: Files, folder: string): Promise<boolean> {
  const names = (await files.list(folder)) ?? [];
  return (names.includes('vocab.json') && names.includes('merges.txt')) || names.includes('tokenizer.json');
}

/** A CLIP tokenizer as transformers' CLIPTokenizer behaves. `source` names it in errors; `size`: see `loadClipTokenizer`. */
export function clipTokenizer(
  { vocab, merges }: Pick<BytePairVocabulary, 'vocab' | 'merges'>,
  config: ClipTokenizerConfig,
  source: string,
  size = Number.POSITIVE_INFINITY,
): Tokenizer {
  const findId = (token: string, use: string) => {
    const id = vocab[token];
    if (id === undefined) throw badTokenizer(source, `its vocabulary lacks the ${use} token "${token}"`);
    return id;
  };
  const special = Object.entries(usual).map(([use, initial]): [string, AddedToken] => {
    const { content, normalized } = spelled(config[use as keyof typeof usual] ?? initial, use, source);
    return [use, { id: findId(content, use.slice(0, 3)), content, normalized }];
  });
  const [start, end, unknown, pad] = special.map(([, token]) => token) as [
    AddedToken,
    AddedToken,
    AddedToken,
    AddedToken,
  ];
  const added = new Map(special.map(([, token]) => [token.content, token]));
  for (const [id, token] of Object.entries(config.added_tokens_decoder ?? {})) {
    if (!/^\d{1,9}$/.test(id)) throw badTokenizer(source, `the number of an added token is "${id.slice(0, 40)}"`);
    const { content, normalized } = spelled(token, `added token ${id}`, source);
    if (Number(id) >= size)
      throw badTokenizer(
        source,
        `its token ${JSON.stringify(content.slice(0, 40))} is number ${id}, and the model knows ${size}`,
      );
    added.set(content, { id: Number(id), content, normalized });
  }
  const limit = config.model_max_length ?? Number.POSITIVE_INFINITY;
  if (!(typeof limit === 'number' && limit >= 2))
    throw badTokenizer(source, 'its model_max_length is no number from 2');
  const ids = bytePairs({ vocab, merges, added: [...added.values()], unknown: unknown.content });
  // transformers lowers letter by letter and knows no final sigma, the one letter whose lower case depends on its place.
  const lowered = (text: string) => ids(text.replaceAll('Σ', 'σ'));
  return tokenizerOf(lowered, { start: start.id, end: end.id, pad: pad.id }, limit);
}

/** How a special token of an untrusted config is spelled. */
function spelled(token: unknown, use: string, source: string): { content: string; normalized: boolean } {
  const { content, normalized } = (typeof token === 'string' ? { content: token } : (token ?? {})) as {
    content?: unknown;
    normalized?: unknown;
  };
  if (typeof content !== 'string' || content === '') throw badTokenizer(source, `its ${use} is not a text`);
  return { content, normalized: normalized === true };
}
