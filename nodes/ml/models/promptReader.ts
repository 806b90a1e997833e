import { type A1111Piece, chunkA1111 } from '../text/chunkA1111.ts';
import { chunkComfy } from '../text/chunkComfy.ts';
import { breakMark, parseA1111, withoutNetworks } from '../text/parseA1111.ts';
import { parseComfy } from '../text/parseComfy.ts';
import type { Chunk, WeightedToken } from '../text/promptChunk.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Emphasis } from './weighA1111.ts';

/** How the prompts of a generator are read. */
export interface PromptReading {
  /** Whose weights, chunks and names of embeddings a prompt has; plain: none, and what is too long is cut. */
  readonly style: 'comfy' | 'a1111' | 'plain';
  /** What weights do in the style a1111. */
  readonly emphasis: Emphasis;
  readonly embeddings: readonly Embedding[];
}
export type PromptStyle = PromptReading['style'];

const reading = (style: PromptStyle, emphasis: Emphasis = 'original') => ({ style, emphasis, embeddings: [] });

/** Readings by the names of styles. */
export const readings = {
  comfy: reading('comfy'),
  a1111: reading('a1111'),
  'a1111-no-norm': reading('a1111', 'no norm'),
  'a1111-ignore': reading('a1111', 'ignore'),
  plain: reading('plain'),
} satisfies Readonly<Record<string, PromptReading>>;
export const promptStyles = Object.keys(readings) as (keyof typeof readings)[];

/** A textual inversion: what prompts call it, and for each text encoder its vectors [n][C]. Source: arXiv 2208.01618 */
export interface Embedding {
  /** The path of its file in the folder, without the ending. */
  readonly name: string;
  readonly vectors: readonly (readonly Float32Array[])[];
}

/** Bytes of the vectors of embeddings. */
export function embeddingBytes(embeddings: readonly Embedding[]): number {
  return embeddings.flatMap(({ vectors }) => vectors.flat()).reduce((bytes, { byteLength }) => bytes + byteLength, 0);
}

/** What reads prompts for one text encoder. */
export interface PromptReader {
  readonly tokenizer: Tokenizer;
  /** Tokens that are read at once, start and end included. */
  readonly length: number;
  /** Which encoder of the model it is. */
  readonly index: number;
}

/** The chunks of a prompt, at least one, all of them `length` tokens. Throws UserError `TOO_LARGE`. */
export function readPrompt(prompt: string, reader: PromptReader, reading: PromptReading): Chunk[] {
  if (reading.style === 'comfy') return readComfy(prompt, reader, reading);
  if (reading.style === 'a1111') return readA1111(prompt, reader, reading);
  const tokens = reader.tokenizer.encode(prompt, reader.length);
  return [{ tokens, weights: tokens.map(() => 1) }];
}

const COMFY_NAME = 'embedding:';

function readComfy(prompt: string, { tokenizer, length, index }: PromptReader, { embeddings }: PromptReading): Chunk[] {
  const groups = parseComfy(prompt).flatMap(({ text, weight }) =>
    splitNames(text).flatMap((part): WeightedToken[][] => {
      const { embedding, rest } = takeEmbedding(part, embeddings);
      const weighed = <Token extends WeightedToken['token']>(tokens: readonly Token[]) =>
        tokens.map((token) => ({ token, weight }));
      return [weighed(embedding?.vectors[index] ?? []), weighed(tokenizer.ids(rest))];
    }),
  );
  return chunkComfy(groups, length, tokenizer.marks);
}

/** A text cut before each `embedding:` that begins a word. */
const splitNames = (text: string): string[] => text.split(/(?<=\s)(?=embedding:)/);

/** The embedding that a part begins with, and the text that is left of it; a name that nothing has is left out. */
function takeEmbedding(part: string, embeddings: readonly Embedding[]) {
  if (!part.startsWith(COMFY_NAME)) return { embedding: undefined, rest: part, unknown: undefined };
  const [, name = '', after = ''] = /^\s*(\S*)\s*(.*)$/s.exec(part.slice(COMFY_NAME.length)) ?? [];
  const bare = name.replace(/,+$/, '');
  const exact = findEmbedding(name, embeddings);
  const embedding = exact ?? findEmbedding(bare, embeddings);
  return {
    embedding,
    rest: exact ? after : `${name.slice(bare.length)} ${after}`,
    unknown: embedding ? undefined : bare,
  };
}

/** By its path in the folder, or its name in any folder, with or without an ending. */
function findEmbedding(name: string, embeddings: readonly Embedding[]): Embedding | undefined {
  const bare = name.replace(/\.(safetensors|sft|pt|bin)$/i, '');
  return embeddings.find((each) => each.name === bare) ?? embeddings.find((each) => each.name.endsWith(`/${bare}`));
}

/** Names after `embedding:` that no embedding has. */
export function unknownEmbeddings(prompt: string, { style, embeddings }: PromptReading): string[] {
  if (style !== 'comfy') return [];
  return parseComfy(prompt)
    .flatMap(({ text }) => splitNames(text))
    .flatMap((part) => takeEmbedding(part, embeddings).unknown ?? []);
}

function readA1111(prompt: string, { tokenizer, length, index }: PromptReader, reading: PromptReading): Chunk[] {
  const text = withoutNetworks(prompt);
  const pieces = reading.emphasis === 'none' ? [{ text, weight: 1 }] : parseA1111(text);
  const [comma, ...more] = tokenizer.ids(',');
  const chunks = chunkA1111(
    pieces.map(
      ({ text, weight }): A1111Piece =>
        text === breakMark.text && weight === breakMark.weight ? undefined : { ids: tokenizer.ids(text), weight },
    ),
    length,
    {
      marks: tokenizer.marks,
      comma: more.length === 0 ? comma : undefined,
      embeddingAt: embeddingFinder(tokenizer, index, reading.embeddings),
    },
  );
  const { end, pad } = tokenizer.marks;
  return chunks.map(({ tokens, weights }) => {
    const first = tokens.indexOf(end);
    return { tokens: tokens.map((token, i) => (i > first ? pad : token)), weights };
  });
}

/** Finds embeddings by the tokens of their bare names, the longest first. */
function embeddingFinder(tokenizer: Tokenizer, index: number, embeddings: readonly Embedding[]) {
  const named = embeddings
    .map(({ name, vectors }) => ({
      ids: tokenizer.ids(name.slice(name.lastIndexOf('/') + 1)),
      vectors: vectors[index] ?? [],
    }))
    .filter(({ ids }) => ids.length > 0)
    .sort((a, b) => b.ids.length - a.ids.length);
  const firsts = new Set(named.map(({ ids }) => ids[0]));
  return (ids: readonly number[], position: number) => {
    if (!firsts.has(ids[position])) return undefined;
    const found = named.find((each) => each.ids.every((id, i) => ids[position + i] === id));
    return found && { vectors: found.vectors, tokens: found.ids.length };
  };
}
