import { UserError } from '../../errors.ts';
import { largest } from '../../readWhole.ts';
import { inflateUpTo } from '../inflateUpTo.ts';
import { byteLetters } from './byteLetters.ts';
import { bytePairs } from './bytePairs.ts';
import { fixText } from './fixText.ts';
import { type Tokenizer, tokenizerOf } from './tokenizer.ts';

/** Merges that OpenAI's vocabulary file is cut to, so that the whole vocabulary has 49,408 tokens. */
const MERGE_COUNT = 49152 - 256 - 2;

/**
 * The tokenizer of open_clip and HPSv2 (after OpenAI's): text is repaired first, padding is id 0, and the text of a start
 * or end token counts only as written below. Merges as in merges.txt. Source: open_clip, tokenizer.py, SimpleTokenizer.
 */
export function simpleTokenizer(merges: readonly string[]): Tokenizer {
  const marks = ['<start_of_text>', '<end_of_text>'];
  const vocab = vocabularyOf(merges, marks);
  const end = vocabularySize(merges) - 1;
  const start = end - 1;
  const added = marks.map((content, i) => ({ id: start + i, content, normalized: true }));
  const ids = bytePairs({ vocab, merges, added, unknown: '<end_of_text>' });
  return tokenizerOf((text) => ids(fixText(text)), { start, end, pad: 0 }, 77);
}

/** All bytes, all bytes at the end of a word, what each merge makes, and two marks: token -> id. */
export function vocabularyOf(merges: readonly string[], marks: readonly string[]): Record<string, number> {
  const letters = byteLetters();
  const joined = merges.map((pair) => pair.replace(' ', ''));
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`), ...joined, ...marks];
  return Object.assign(Object.create(null), Object.fromEntries(tokens.map((token, id) => [token, id])));
}

/** Tokens of a vocabulary with those merges: all bytes, twice, the merges, start and end. */
export function vocabularySize(merges: readonly string[]): number {
  return 2 * 256 + merges.length + 2;
}

/**
 * The merges of a gzipped list under a header line (`bpe_simple_vocab_16e6.txt.gz`). `source` names it in errors.
 * Throws UserError `BAD_TOKENIZER`.
 */
export function readMerges(bytes: Uint8Array, source: string): string[] {
  return unpack(bytes, source)
    .split('\n')
    .slice(1, MERGE_COUNT + 1)
    .filter((line) => line !== '');
}

function unpack(bytes: Uint8Array, source: string): string {
  try {
    const list = inflateUpTo(bytes, largest.merges, 'gzip');
    if (!list) throw new Error(`it is damaged, or unpacks to more than ${largest.merges} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(list);
  } catch (cause) {
    throw new UserError('BAD_TOKENIZER', `"${source}" is not a gzipped list of merges: ${(cause as Error).message}.`, {
      cause,
    });
  }
}
