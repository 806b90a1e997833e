/** Text -> token ids of a model's vocabulary. */
export interface Tokenizer {
  /** The tokenizer's own limit in tokens, start and end included; Infinity where it states none. */
  readonly maxLength: number;
  /**
   * `length` ids: start token, text (cut where it is too long), end token, padding. `length` is at least 2.
   * A position after the first end token holds padding only.
   */
  encode(text: string, length: number): number[];
}

/** Start, ids cut to `length - 2`, end, padding up to `length`. */
export function frame(ids: readonly number[], length: number, marks: { start: number; end: number; pad: number }) {
  const framed = [marks.start, ...ids.slice(0, length - 2), marks.end];
  return [...framed, ...new Array<number>(length - framed.length).fill(marks.pad)];
}
