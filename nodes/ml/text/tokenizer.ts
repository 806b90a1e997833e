/** Text -> token ids of a model's vocabulary. */
export interface Tokenizer {
  /** The tokenizer's own limit in tokens, start and end included; Infinity where it states none. */
  readonly maxLength: number;
  readonly marks: Marks;
  /** The ids of a text, without start, end and padding. */
  ids(text: string): number[];
  /**
   * `length` ids: start token, text (cut where it is too long), end token, padding. `length` is at least 2.
   * A position after the first end token holds padding only.
   */
  encode(text: string, length: number): number[];
}

/** The ids that stand around a text. */
export interface Marks {
  readonly start: number;
  readonly end: number;
  readonly pad: number;
}

export function tokenizerOf(ids: Tokenizer['ids'], marks: Marks, maxLength: number): Tokenizer {
  return { maxLength, marks, ids, encode: (text, length) => frame(ids(text), length, marks) };
}

/** Start, tokens cut to `length - 2`, end, padding up to `length`. */
export function frame<Token>(tokens: readonly Token[], length: number, marks: Marks): (Token | number)[] {
  const framed = [marks.start, ...tokens.slice(0, length - 2), marks.end];
  return [...framed, ...new Array<number>(length - framed.length).fill(marks.pad)];
}
