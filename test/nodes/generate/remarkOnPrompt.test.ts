import { describe, expect, it } from 'vitest';
import { remarkOnPrompt } from '../../../nodes/generate/shared/remarkOnPrompt.ts';
import type { Generator } from '../../../nodes/ports.ts';

const generator = { name: 'sd', unreadPart: (prompt: string) => prompt.slice(30) } as Generator;
const remarksOn = (prompt: string, ...others: string[]) => remarksBy(generator, prompt, ...others);
function remarksBy(own: Generator, prompt: string, ...others: string[]): string[] {
  const remarks: string[] = [];
  remarkOnPrompt(own, prompt, others, (sentence) => remarks.push(sentence));
  return remarks;
}

describe('remarks on a prompt', () => {
  it('name what is cut off, in every prompt', () => {
    const long = `a cat and a dog that sit quite, ${'still '.repeat(100)}`;
    expect(remarksOn('a cat', long)).toEqual([
      expect.stringMatching(
        /^The prompt is longer than the text encoder of "sd" reads; this end of it has no effect: ".{120} \[\.\.\.\] .{80}"\.$/,
      ),
    ]);
    expect(remarksOn('a cat and a dog that sit quite still')).toEqual([
      expect.stringContaining('has no effect: " still"'),
    ]);
    expect(remarksOn('a cat', '')).toEqual([]);
  });

  it.each([
    ['(x:1.3)', '(x:1.3)'],
    ['a (red dog:0.8) now', '(red dog:0.8)'],
    ['a (dog : .5)', '(dog : .5)'],
    ['(dog:-1)', '(dog:-1)'],
    ['a [x] b', '[x]'],
    ['[cat|dog]', '[cat|dog]'],
    ['[cat:dog:0.5]', '[cat:dog:0.5]'],
    ['((dog))', '((dog))'],
    ['(dog)++', '(dog)++'],
    ['dog <lora:more:0.7>', '<lora:more:0.7>'],
    ['<hypernet:x>', '<hypernet:x>'],
  ])('say that %s is read as text', (prompt, found) => {
    expect(remarksOn(prompt)).toEqual([
      `"${found}" is read as it is written: prompts have no weights or commands here, so write words alone.`,
    ]);
    expect(remarksOn('a cat', prompt)).toHaveLength(1);
  });

  it.each([
    ['plain', '(x:1.3)', 'the prompt style of Load generator is plain'],
    ['comfy', '[cat|dog]', 'ComfyUI gives it no meaning'],
    ['comfy', '<lora:more:0.7>', 'ComfyUI gives it no meaning'],
    ['comfy', 'BREAK', 'ComfyUI gives it no meaning'],
    ['a1111', '(dog)++', 'stable-diffusion-webui gives + and - no meaning'],
  ] as const)('say in the style %s that %s is a text', (promptStyle, sign, reason) => {
    const own = { name: 'sd', promptStyle } as Generator;
    expect(remarksBy(own, `a ${sign} b`)).toEqual([
      expect.stringContaining(`"${sign}" is read as it is written: ${reason}`),
    ]);
  });

  it.each([
    ['comfy', '(a:1.2) ((b)) \\(c\\)'],
    ['a1111', '(a:1.2) ((b)) [c] [d:e:0.5] BREAK f AND g'],
  ] as const)('say nothing of what the style %s reads', (promptStyle, prompt) => {
    expect(remarksBy({ name: 'sd', promptStyle } as Generator, prompt)).toEqual([]);
  });

  it('say what is left out of a prompt', () => {
    const own = { name: 'sd', promptStyle: 'a1111', unknownEmbeddings: () => ['dot'] } as unknown as Generator;
    expect(remarksBy(own, 'a <lora:more:0.7>')).toEqual([
      '"<lora:more:0.7>" is left out of the prompt: a LoRA is loaded by the node Load LoRA.',
      expect.stringMatching(/^There is no embedding "dot", and the prompt is read without it/),
    ]);
  });

  it.each(['a dog (sitting)', 'time: 1.3', 'a <b> c', 'dog :)', 'C++ code', 'at 12:30 (noon)', '[]', '()', 'a - b'])(
    'say nothing of %s',
    (prompt) => {
      expect(remarksOn(prompt)).toEqual([]);
    },
  );

  it('take no longer for a prompt made to be slow', () => {
    for (const prompt of ['('.repeat(30_000), '[('.repeat(15_000), '(a:1'.repeat(9_000), '<a:'.repeat(9_000)])
      expect(remarksOn(prompt)).toHaveLength(1); // its length
  });
});
