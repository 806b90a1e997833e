import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jointOf } from '../../../../nodes/ml/text/joinedPrompt.ts';
import { labelPrompt, plainPrompt, wordsOf } from '../../../../nodes/ml/text/plainPrompt.ts';

describe('the words of a prompt', () => {
  it.each([
    ['comfy', 'a (red:1.3) cat', 'a red cat'],
    ['comfy', '((x)), (y:0.5) (z:0) \\(w\\)', 'x, y (w)'],
    ['comfy', 'a cat BREAK a dog', 'a cat, a dog'],
    ['comfy', 'a cat, embedding:style.pt, at night', 'a cat, at night'],
    ['comfy', '[x] y', '[x] y'],
    ['comfy', `a cat${jointOf('combine', 0)}(a dog:1.2)${jointOf('average', 0.5)}night`, 'a cat, a dog, night'],
    ['a1111', '(x:1.3)', 'x'],
    ['a1111', 'a (red) [cat], BREAK, night', 'a red cat, night'],
    ['a1111', 'a cat <lora:more:0.7>', 'a cat'],
    ['a1111', 'a cat AND a dog :0.5 AND rain :-1', 'a cat, a dog'],
    ['a1111', 'a [cat:dog:0.5] in [snow::3]', 'a dog in'],
    ['a1111', 'a [cat:dog:15]', 'a cat'],
    ['plain', 'a (red:1.3) cat BREAK', 'a (red:1.3) cat BREAK'],
    [undefined, 'a (red:1.3) cat', 'a (red:1.3) cat'],
  ] as const)('in the style %s: %j', (style, prompt, words) => {
    expect(plainPrompt(prompt, style, 10)).toBe(words);
  });

  it('are the prompt itself where it has no signs, spaces and commas included', () => {
    const text = fc.string({ unit: fc.constantFrom(...'abc ,.'.split('')), minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(text, fc.constantFrom('comfy', 'a1111'), (prompt, style) => {
        expect(plainPrompt(prompt, style as 'comfy', 10)).toBe(prompt);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it('stand in a label only where they are others, and count for its own prompt', () => {
    expect(labelPrompt({ promptStyle: 'comfy' }, 'a cat', 10)).toEqual({ prompt: 'a cat' });
    const label = labelPrompt({ promptStyle: 'comfy' }, '(x:1.3)', 10);
    expect(label).toEqual({ prompt: '(x:1.3)', words: 'x' });
    expect([wordsOf(label), wordsOf(label, '(x:1.3)'), wordsOf(label, '(y:2)'), wordsOf({})]).toEqual([
      'x',
      'x',
      '(y:2)',
      '',
    ]);
  });
});
