import { byteLetters } from './byteLetters.ts';

/** vocab.json and merges.txt of a CLIP tokenizer. */
export interface ClipVocabulary {
  readonly vocab: Record<string, number>;
  readonly merges: string[];
}

/**
 * Learns byte-pair merges until every given word is one token, the most frequent pair first (ties: the one met first).
 * All 256 bytes stay in the vocabulary, so any other text is spelled out and nothing is unknown.
 * Source: Sennrich et al., arXiv 1508.07909, algorithm 1; token order as in OpenAI CLIP's vocabulary (bytes, bytes with
 * `</w>`, merges, start, end).
 */
export function learnMerges(words: readonly string[]): ClipVocabulary {
  let spellings = [...new Set(words)].map((word) => {
    const letters = [...word];
    return [...letters.slice(0, -1), `${letters.at(-1)}</w>`];
  });
  const merges: string[] = [];
  while (spellings.some((symbols) => symbols.length > 1)) {
    const counts = new Map<string, number>();
    for (const symbols of spellings)
      for (let i = 0; i + 1 < symbols.length; i++) {
        const pair = `${symbols[i]} ${symbols[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    const best = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
    merges.push(best);
    spellings = spellings.map((symbols) => mergePair(symbols, best));
  }
  const bytes = byteLetters();
  const tokens = [
    ...bytes,
    ...bytes.map((letter) => `${letter}</w>`),
    ...merges.map((pair) => pair.replace(' ', '')),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  return { vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges };
}

function mergePair(symbols: readonly string[], pair: string): string[] {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++)
    if (i + 1 < symbols.length && `${symbols[i]} ${symbols[i + 1]}` === pair) merged.push(symbols[i]! + symbols[++i]!);
    else merged.push(symbols[i]!);
  return merged;
}
