import { type Chunk, frameChunk, type PromptToken, type WeightedToken } from './promptChunk.ts';
import type { Marks } from './tokenizer.ts';

/** Tokens of one weight, or undefined where a new chunk begins. */
export type A1111Piece = { readonly ids: readonly number[]; readonly weight: number } | undefined;

export interface A1111Chunking {
  readonly marks: Marks;
  /** The token of a comma. */
  readonly comma: number | undefined;
  /** How far from the end of a full chunk a comma may be for what follows it to move on; 0 for never. webui's setting. */
  readonly backtrack?: number;
  /** The embedding whose name begins there: its vectors, and of how many tokens the name is. */
  embeddingAt(
    ids: readonly number[],
    position: number,
  ): { vectors: readonly PromptToken[]; tokens: number } | undefined;
}

/**
 * Cuts tokens into chunks of `length`. Where a chunk is full and a comma lies within the last 20 tokens, what follows the
 * comma moves to the next one; an embedding that does not fit moves as a whole. At least one chunk.
 * Source: stable-diffusion-webui, modules/sd_hijack_clip.py, tokenize_line
 */
export function chunkA1111(pieces: readonly A1111Piece[], length: number, how: A1111Chunking): Chunk[] {
  const most = length - 2;
  const { comma, backtrack = 20 } = how;
  const chunks: WeightedToken[][] = [];
  let [chunk, afterComma]: [WeightedToken[], number] = [[], 0]; // 0: there is no comma
  const next = (moved: WeightedToken[] = []) => {
    chunks.push(chunk);
    [chunk, afterComma] = [moved, 0];
  };
  for (const piece of pieces) {
    if (!piece) next();
    const { ids, weight } = piece ?? { ids: [], weight: 1 };
    for (let position = 0; position < ids.length; ) {
      const token = ids[position]!;
      const isFull = chunk.length === most;
      if (token === comma) afterComma = chunk.length + 1;
      else if (isFull && afterComma > 0 && chunk.length + 1 - afterComma <= backtrack) next(chunk.splice(afterComma));
      if (chunk.length === most) next();
      const embedding = how.embeddingAt(ids, position);
      const added = embedding?.vectors ?? [token];
      if (chunk.length + added.length > most) next();
      chunk.push(...added.map((each) => ({ token: each, weight })));
      position += embedding?.tokens ?? 1;
    }
  }
  if (chunk.length > 0 || chunks.length === 0) next();
  return chunks.map((each) => frameChunk(each, length, how.marks));
}
