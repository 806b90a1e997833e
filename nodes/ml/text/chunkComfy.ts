import { type Chunk, frameChunk, type WeightedToken } from './promptChunk.ts';
import type { Marks } from './tokenizer.ts';

/** Tokens of a group from which on it may be cut in two; one that no chunk holds is always. */
const LARGE = 8;

/**
 * Cuts groups of tokens into chunks of `length`. A group that does not fit moves to the next chunk as a whole, unless it has 8
 * tokens or more: then it fills this one. At least one chunk. Source: ComfyUI, comfy/sd1_clip.py, tokenize_with_weights
 */
export function chunkComfy(groups: readonly (readonly WeightedToken[])[], length: number, marks: Marks): Chunk[] {
  const most = length - 2;
  const chunks: WeightedToken[][] = [[]];
  for (const group of groups) {
    const mayBeCut = group.length >= Math.min(LARGE, most + 1);
    let rest = group;
    while (rest.length > 0) {
      const chunk = chunks.at(-1)!;
      const space = most - chunk.length;
      const fits = rest.length <= space;
      const taken = fits ? rest.length : mayBeCut ? space : 0;
      chunk.push(...rest.slice(0, taken));
      if (!fits) chunks.push([]);
      rest = rest.slice(taken);
    }
  }
  return chunks.map((chunk) => frameChunk(chunk, length, marks));
}
