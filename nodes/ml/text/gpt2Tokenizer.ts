import { Tokenizer as Library } from '@huggingface/tokenizers';
import { badTokenizer } from './badTokenizer.ts';
import { byteLetters } from './byteLetters.ts';
import type { BytePairVocabulary } from './bytePairs.ts';
import { refuseLongText } from './refuseLongText.ts';

/** Text <-> token ids of a GPT-2. Any text can be spelled, and decodes to itself. */
export interface Gpt2Tokenizer {
  /** No start, no end: the ids of the text alone. Throws UserError `TOO_LARGE`. */
  encode(text: string): number[];
  /** Special tokens are left out; bytes that are no whole letter become U+FFFD. */
  decode(ids: readonly number[]): string;
}

export interface Gpt2Vocabulary extends Pick<BytePairVocabulary, 'vocab' | 'merges'> {
  /** Tokens that are recognised as a whole in the text, beside `<|endoftext|>`; special ones are left out of decoded text. */
  readonly added: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
}

/**
 * Byte pairs over bytes: the text is split into words that carry the space before them, numbers, runs of signs and of
 * white space; their bytes are merged. Nothing is lowered, folded or lost. `source` names it in errors. Throws UserError
 * `BAD_TOKENIZER`. Source: Radford et al. 2019, section 2.2; transformers, GPT2Tokenizer
 */
export function gpt2Tokenizer({ vocab, merges, added }: Gpt2Vocabulary, source: string): Gpt2Tokenizer {
  const missing = byteLetters().find((letter) => vocab[letter] === undefined);
  if (missing !== undefined)
    throw badTokenizer(source, `its vocabulary cannot spell every byte, it lacks "${missing}"`);
  const lost = merges.find((pair) => vocab[pair.replace(' ', '')] === undefined);
  if (lost !== undefined) throw badTokenizer(source, `its vocabulary lacks what the merge "${lost}" makes`);
  const end = { content: '<|endoftext|>', id: vocab['<|endoftext|>'], special: true };
  const whole = [...(end.id === undefined ? [] : [end]), ...added.filter(({ content }) => content !== end.content)];
  const library = new Library(
    {
      added_tokens: whole.map((token) => ({ ...token, normalized: false })),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab, merges },
    },
    {},
  );
  const decoding = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
  return {
    encode(text) {
      refuseLongText(text);
      return library.encode(text, { add_special_tokens: false }).ids;
    },
    decode: (ids) => (ids.length === 0 ? '' : library.decode([...ids], decoding)),
  };
}
