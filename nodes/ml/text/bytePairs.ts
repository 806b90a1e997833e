import { Tokenizer as Library } from '@huggingface/tokenizers';
import { refuseLongText } from './refuseLongText.ts';

/** A token that is recognised as a whole in the text, before byte pairs are merged. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** True: looked for in the normalised text; false: in the text as given. */
  readonly normalized: boolean;
}

export interface BytePairVocabulary {
  readonly vocab: Readonly<Record<string, number>>;
  /** `left right`, the first merge first. */
  readonly merges: readonly string[];
  readonly added: readonly AddedToken[];
  /** Stands for what the vocabulary cannot spell. */
  readonly unknown: string;
}

const WORD_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/**
 * CLIP's byte-pair encoding: text -> ids, without start, end and padding. The text is brought to NFC, white space is
 * folded and letters are lowered; then it is split into words, single digits and runs of signs, and each is merged.
 * The function throws UserError `TOO_LARGE`. Source: openai/CLIP, simple_tokenizer.py; transformers, CLIPTokenizer.
 */
export function bytePairs({ vocab, merges, added, unknown }: BytePairVocabulary): (text: string) => number[] {
  const split = { type: 'Split', pattern: { Regex: WORD_PATTERN }, behavior: 'Removed', invert: true };
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true };
  const library = new Library(
    {
      added_tokens: added.map((token) => ({ ...token, special: true })),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'NFC' },
          { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
          { type: 'Lowercase' },
        ],
      },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [split, bytes] },
      post_processor: null,
      decoder: null,
      model: { type: 'BPE', vocab, merges, end_of_word_suffix: '</w>', unk_token: unknown, fuse_unk: false },
    },
    {},
  );
  return (text) => {
    refuseLongText(text);
    return library.encode(text, { add_special_tokens: false }).ids;
  };
}
