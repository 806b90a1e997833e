import { frame, type Marks } from './tokenizer.ts';

/** Text of one weight, 1 where nothing is said. */
export interface WeightedText {
  readonly text: string;
  readonly weight: number;
}

/** A token id, or the vector [C] of an embedding in its place. */
export type PromptToken = number | Float32Array;

/** What a text encoder reads at once: start, tokens, end and padding, with a weight for each. */
export interface Chunk {
  readonly tokens: readonly PromptToken[];
  readonly weights: readonly number[];
}

export interface WeightedToken {
  readonly token: PromptToken;
  readonly weight: number;
}

/** Start, tokens cut to `length - 2`, end, padding up to `length`. */
export function frameChunk(content: readonly WeightedToken[], length: number, marks: Marks): Chunk {
  const read = content.slice(0, length - 2);
  const weights = [1, ...read.map(({ weight }) => weight)];
  return {
    tokens: frame(
      read.map(({ token }) => token),
      length,
      marks,
    ),
    weights: [...weights, ...new Array<number>(length - weights.length).fill(1)],
  };
}
