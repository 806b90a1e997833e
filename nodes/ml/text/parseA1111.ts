import type { WeightedText } from './promptChunk.ts';

/** In the place of a word that begins a new chunk: this text with the weight -1. */
export const breakMark: WeightedText = { text: 'BREAK', weight: -1 };

/** Open brackets of a kind that are read; more are letters. */
const DEEPEST = 100;

/** An escaped letter, a bracket, a number that closes one, or text without any of them. */
const tokens = /\\[()[\]\\]|\\|[([\])]|:\s*([+-]?[.\d]+)\s*\)|[^\\()[\]:]+|:/g;
const breakWord = /\s*(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])\s*/u;

/**
 * A prompt as stable-diffusion-webui reads it: `(x)` counts 1.1 times, `[x]` 1 / 1.1 times, `(x:w)` w times, all that are
 * around it multiplied; `\( \) \[ \] \\` are letters; what is not closed acts to the end, and a closing bracket alone is a
 * letter, as a weight that is no number is. The word BREAK gives `breakMark`; within weighted brackets its weight is
 * another, and it is a word. Neighbours of equal weight are one text. At least one text.
 * Source: stable-diffusion-webui, modules/prompt_parser.py, parse_prompt_attention
 */
export function parseA1111(prompt: string): WeightedText[] {
  const read: { text: string; weight: number }[] = [];
  const open: Record<'(' | '[', number[]> = { '(': [], '[': [] };
  const multiply = (from: number | undefined, factor: number) => {
    for (const part of read.slice(from)) part.weight *= factor;
  };
  const add = (text: string) => {
    for (const [i, part] of text.split(breakWord).entries())
      read.push(...(i > 0 ? [{ ...breakMark }] : []), { text: part, weight: 1 });
  };
  for (const [token, stated] of prompt.matchAll(tokens)) {
    if (token.startsWith('\\')) read.push({ text: token.slice(1), weight: 1 });
    else if ((token === '(' || token === '[') && open[token].length < DEEPEST) open[token].push(read.length);
    else if (stated !== undefined && open['('].length > 0) {
      const isNumber = Number.isFinite(Number(stated));
      if (!isNumber) add(token.slice(0, -1));
      multiply(open['('].pop(), isNumber ? Number(stated) : 1.1);
    } else if (token === ')' && open['('].length > 0) multiply(open['('].pop(), 1.1);
    else if (token === ']' && open['['].length > 0) multiply(open['['].pop(), 1 / 1.1);
    else add(token);
  }
  for (const from of open['(']) multiply(from, 1.1);
  for (const from of open['[']) multiply(from, 1 / 1.1);
  return joinEqual(read);
}

/** Signs that load something, as `<lora:name:1>`. */
const networkSign = /<\w{1,50}:[^<>]{1,300}>/g;

/** A prompt without the signs that load something, which are no text. Source: stable-diffusion-webui, modules/extra_networks.py */
export function withoutNetworks(prompt: string): string {
  return prompt.replaceAll(networkSign, '');
}

function joinEqual(read: readonly WeightedText[]): WeightedText[] {
  const joined: { text: string; weight: number }[] = [];
  for (const { text, weight } of read) {
    const last = joined.at(-1);
    if (last?.weight === weight) last.text += text;
    else joined.push({ text, weight });
  }
  return joined.length > 0 ? joined : [{ text: '', weight: 1 }];
}
