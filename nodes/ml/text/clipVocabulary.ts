import type { BytePairVocabulary } from './bytePairs.ts';
import { readMerges, vocabularyOf } from './simpleTokenizer.ts';

/** Tokens of CLIP's published vocabulary. */
export const CLIP_VOCABULARY_SIZE = 49408;

/**
 * The vocabulary that OpenAI published with CLIP and that all Stable Diffusion models use, as in transformers' vocab.json and
 * merges.txt of openai/clip-vit-large-patch14. Source and licence: clipMerges.json, clipMerges.LICENSE
 */
export async function clipVocabulary(): Promise<Pick<BytePairVocabulary, 'vocab' | 'merges'>> {
  const { default: file } = await import('./clipMerges.json');
  const merges = readMerges(
    Uint8Array.from(atob(file.merges), (letter) => letter.charCodeAt(0)),
    'clipMerges.json',
  );
  return { vocab: vocabularyOf(merges, ['<|startoftext|>', '<|endoftext|>']), merges };
}
