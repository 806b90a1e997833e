import type { Tokenizer } from './tokenizer.ts';

/** Letters of a word that is told whole where its end is not read. */
const LONGEST_WORD = 30;

/**
 * The end of a text that is cut off where `length` tokens of it are read, start and end included; '' where all is read.
 * It begins with the first word that is not read to its end, in a longer word near where reading ends.
 */
export function unreadPart(text: string, tokenizer: Tokenizer, length: number): string {
  // Where nothing is cut, the last token is the end or padding, and stays so in a longer row.
  const fits = (part: string) =>
    tokenizer.encode(part, length)[length - 1] === tokenizer.encode(part, length + 1)[length - 1];
  if (fits(text)) return '';
  const words = text.match(/\s*(?:[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]+)/gu) ?? [];
  const read = mostThatFit(words, fits);
  const before = words.slice(0, read).join('');
  const letters = [...(words[read] ?? '')];
  const within = letters.length > LONGEST_WORD ? mostThatFit(letters, (part) => fits(before + part)) : 0;
  return text.slice(before.length + letters.slice(0, within).join('').length).trim();
}

/** How many of the first parts fit together; looks at about twice as many at most. */
function mostThatFit(parts: readonly string[], fits: (joined: string) => boolean): number {
  let [most, over] = [0, 1];
  while (over < parts.length && fits(parts.slice(0, over).join(''))) [most, over] = [over, 2 * over];
  over = Math.min(over, parts.length);
  while (over - most > 1) {
    const middle = Math.floor((most + over) / 2);
    if (fits(parts.slice(0, middle).join(''))) most = middle;
    else over = middle;
  }
  return most;
}
