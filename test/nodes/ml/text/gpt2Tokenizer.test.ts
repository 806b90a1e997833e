import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteLetters } from '../../../../nodes/ml/text/byteLetters.ts';
import { gpt2Tokenizer } from '../../../../nodes/ml/text/gpt2Tokenizer.ts';

const merges = ['r e', 're d', 'Ġ red', 'Ġ Ġ'];
const tokens = [...byteLetters(), 're', 'red', 'Ġred', 'ĠĠ', '<|endoftext|>'];
const vocab: Record<string, number> = Object.fromEntries(tokens.map((token, id) => [token, id]));
const tokenizer = gpt2Tokenizer({ vocab, merges, added: [] }, 'test');
const spelled = (text: string) => tokenizer.encode(text).map((id) => tokens[id]);

describe('gpt2Tokenizer', () => {
  it('gives words the space before them, and knows the end of a text', () => {
    expect(spelled('red red  redRED')).toEqual(['red', 'Ġred', 'Ġ', 'Ġred', 'R', 'E', 'D']);
    expect(spelled('red   ')).toEqual(['red', 'ĠĠ', 'Ġ']);
    expect(spelled('red<|endoftext|> red')).toEqual(['red', '<|endoftext|>', 'Ġred']);
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.decode([])).toBe('');
  });

  it('spells any text, and decodes it to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        const ids = tokenizer.encode(text);
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokens.length)).toBe(true);
        expect(tokenizer.decode(ids)).toBe(text);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('recognises added tokens, and leaves special ones and unknown ids out of what it decodes', () => {
    const added = [
      { id: 300, content: '<pad>', special: true },
      { id: 301, content: 'masterpiece', special: false },
    ];
    const { encode, decode } = gpt2Tokenizer({ vocab, merges, added }, 'test');
    expect(encode('a<pad> masterpiece')).toEqual([vocab.a, 300, vocab.Ġ, 301]);
    expect(decode([vocab.a!, 300, vocab.Ġ!, 301, vocab['<|endoftext|>']!, 999])).toBe('a masterpiece');
  });

  it('refuses a text that would hold the process', () => {
    expect(() => tokenizer.encode('r'.repeat(100_001))).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it('refuses a vocabulary that cannot spell everything', () => {
    const { a: _, ...lacking } = vocab;
    expect(() => gpt2Tokenizer({ vocab: lacking, merges, added: [] }, 'models/x')).toThrow(
      '"models/x" holds no usable tokenizer: its vocabulary cannot spell every byte, it lacks "a".',
    );
    expect(() => gpt2Tokenizer({ vocab, merges: ['x y'], added: [] }, 'models/x')).toThrow(
      'its vocabulary lacks what the merge "x y" makes',
    );
  });
});
