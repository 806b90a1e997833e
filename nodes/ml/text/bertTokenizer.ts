import { Tokenizer as Library } from '@huggingface/tokenizers';
import { UserError } from '../../errors.ts';
import { type Files, joinPath } from '../../files.ts';
import { parseJson } from '../../parseJson.ts';
import { largest, readText } from '../../readWhole.ts';
import { vocabularyLimits } from './readVocabulary.ts';
import { refuseLongText } from './refuseLongText.ts';
import { type Tokenizer, tokenizerOf } from './tokenizer.ts';

/** A WordPiece vocabulary: token -> id. */
type WordPieces = Readonly<Record<string, number>>;

/**
 * BERT's tokenizer as transformers' BertTokenizer behaves: text is cleaned, Chinese letters stand alone, letters are lowered
 * and lose their accents, words are cut into the longest known pieces. `source` names it in errors. Throws UserError
 * `BAD_TOKENIZER`. Source: arXiv 1810.04805, section 4; google-research/bert, tokenization.py
 */
export function bertTokenizer(vocab: WordPieces, { lowercase = true } = {}, source = 'the vocabulary'): Tokenizer {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].map((content) => {
    const id = vocab[content];
    if (id === undefined)
      throw new UserError('BAD_TOKENIZER', `"${source}" holds no usable BERT tokenizer: it lacks "${content}".`);
    return { id, content, special: true, normalized: false };
  });
  const [pad, , start, end] = special.map(({ id }) => id) as [number, number, number, number];
  const library = new Library(
    {
      added_tokens: special,
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: null,
      decoder: null,
      model: {
        type: 'WordPiece',
        vocab,
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
      },
    },
    {},
  );
  const ids = (text: string) => {
    refuseLongText(text);
    return library.encode(text, { add_special_tokens: false }).ids;
  };
  return tokenizerOf(ids, { start, end, pad }, Number.POSITIVE_INFINITY);
}

/**
 * The vocabulary of a transformers folder: vocab.txt, a token a line, or tokenizer.json. Undefined where there is neither.
 * Throws UserError `BAD_TOKENIZER`.
 */
export async function readWordPieces(files: Files, folder: string): Promise<WordPieces | undefined> {
  const names = (await files.list(folder)) ?? [];
  const text = (name: string, most: number) => readText(files, joinPath(folder, name), most);
  if (names.includes('vocab.txt')) {
    const lines = (await text('vocab.txt', largest.merges)).replace(/\r?\n$/, '').split(/\r?\n/);
    return Object.assign(Object.create(null), Object.fromEntries(lines.map((token, id) => [token, id])));
  }
  if (!names.includes('tokenizer.json')) return undefined;
  try {
    const { model } = parseJson(await text('tokenizer.json', largest.vocabulary), vocabularyLimits) as {
      model?: { type?: unknown; vocab?: unknown };
    };
    if (model?.type === 'WordPiece') return Object.assign(Object.create(null), model.vocab) as WordPieces;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const message = `"${joinPath(folder, 'tokenizer.json')}" is not valid JSON: ${cause.message}.`;
    throw new UserError('BAD_TOKENIZER', message, { cause });
  }
  return undefined;
}
