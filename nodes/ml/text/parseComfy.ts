import type { WeightedText } from './promptChunk.ts';

/** Brackets inside brackets that are read; deeper ones are letters. */
const DEEPEST = 100;

/** What Python reads as a number, but infinities and what is none. */
const number = /^\s*[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?\s*$/i;

/**
 * A prompt as ComfyUI reads it: `(x)` counts 1.1 times what is around it, `(x:w)` is w whatever is around it, `\(` and `\)` are
 * letters, and so are brackets that have no partner. No weight is taken from `[x]`. Empty texts are left out.
 * Source: ComfyUI, comfy/sd1_clip.py, token_weights
 */
export function parseComfy(prompt: string): WeightedText[] {
  const hidden = prompt.replaceAll('\\)', '\0\u0001').replaceAll('\\(', '\0\u0002');
  return weighPieces(hidden, 1, 0).map(({ text, weight }) => ({
    text: text.replaceAll('\0\u0001', ')').replaceAll('\0\u0002', '('),
    weight,
  }));
}

function weighPieces(text: string, weight: number, depth: number): WeightedText[] {
  return splitBrackets(text).flatMap((piece) => {
    const isBracketed = piece.length > 1 && piece.startsWith('(') && piece.endsWith(')');
    if (!isBracketed || depth === DEEPEST) return { text: piece, weight };
    const inside = piece.slice(1, -1);
    const colon = inside.lastIndexOf(':');
    const stated = colon > 0 && number.test(inside.slice(colon + 1));
    return stated
      ? weighPieces(inside.slice(0, colon), Number(inside.slice(colon + 1).replaceAll('_', '')), depth + 1)
      : weighPieces(inside, weight * 1.1, depth + 1);
  });
}

/** A text cut before and after each pair of brackets that is in no other. */
function splitBrackets(text: string): string[] {
  const pieces: string[] = [];
  let [start, depth] = [0, 0];
  const cut = (end: number) => {
    if (end > start) pieces.push(text.slice(start, end));
    start = end;
  };
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(' && depth++ === 0) cut(i);
    if (text[i] === ')' && --depth === 0) cut(i + 1);
  }
  cut(text.length);
  return pieces;
}
