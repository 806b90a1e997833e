import { readings, readPrompt } from '../models/promptReader.ts';
import { clipTokenizer } from './clipTokenizer.ts';
import { clipVocabulary } from './clipVocabulary.ts';
import type { Tokenizer } from './tokenizer.ts';

/** How long a prompt is for a text encoder that reads 75 tokens at once. */
export interface PromptLength {
  /** Without start, end and padding; of the last chunk, where there are several. */
  readonly tokens: number;
  readonly chunks: number;
}

/** Tokens of a chunk, start and end included, in all models of Stable Diffusion. */
const CHUNK_LENGTH = 77;
/** Letters of a prompt that is measured. */
const LONGEST = 20_000;

let published: Promise<Tokenizer> | undefined;

/**
 * Counts the tokens of a prompt by the vocabulary that all models of Stable Diffusion use, in ComfyUI's way: signs of weights are
 * none, and each embedding's name counts as its letters do. Undefined for a text of more than 20,000 letters.
 */
export async function measurePrompt(prompt: string): Promise<PromptLength | undefined> {
  if (prompt.length > LONGEST) return undefined;
  published ??= clipVocabulary().then((vocabulary) => clipTokenizer(vocabulary, {}, 'the published vocabulary'));
  const tokenizer = await published;
  const text = prompt.replaceAll('embedding:', '');
  const chunks = readPrompt(text, { tokenizer, length: CHUNK_LENGTH, index: 0 }, readings.comfy);
  return { tokens: chunks.at(-1)!.tokens.indexOf(tokenizer.marks.end) - 1, chunks: chunks.length };
}
