import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { parsePrompt, unknownWords } from '../../../../nodes/ml/world/parsePrompt.ts';
import { sampleScene } from '../../../../nodes/ml/world/scene.ts';
import { tasks } from '../../../../nodes/ml/world/words.ts';

describe('parsePrompt', () => {
  it.each([
    ['a photo of a star', 'single', [{ shape: 'star', count: 1 }], []],
    [
      'A circle, and a CROSS.',
      'two',
      [
        { shape: 'circle', count: 1 },
        { shape: 'cross', count: 1 },
      ],
      [],
    ],
    ['three crosses', 'counting', [{ shape: 'cross', count: 3 }], [{ shape: 'cross', count: 4 }]],
    ['an image of an orange ring', 'colours', [{ shape: 'ring', count: 1, colour: 'orange' }], []],
    [
      'the star is to the left of the ring',
      'position',
      [
        { shape: 'ring', count: 1 },
        { shape: 'star', count: 1, position: { relation: 'left of', target: 0 } },
      ],
      [],
    ],
    [
      'a red star and a pink ring',
      'attribution',
      [
        { shape: 'star', count: 1, colour: 'red' },
        { shape: 'ring', count: 1, colour: 'pink' },
      ],
      [],
    ],
    [
      'two red circles and a blue circle',
      'counting',
      [
        { shape: 'circle', count: 2, colour: 'red' },
        { shape: 'circle', count: 1, colour: 'blue' },
      ],
      [{ shape: 'circle', count: 4 }],
    ],
  ])('reads %j', (prompt, task, include, exclude) => {
    expect(parsePrompt(prompt)).toEqual({ task, include, exclude });
  });

  it('reads every caption of the world as its task, with what is in the scene', () => {
    const random = randomStream(5);
    for (let i = 0; i < 600; i++) {
      const { task, caption, objects, background } = sampleScene(random, tasks[i % 6]);
      const parsed = parsePrompt(caption);
      expect(parsed.task).toBe(task);
      expect(parsed.include.reduce((sum, { count }) => sum + count, 0)).toBe(objects.length);
      expect(parsed.include.map(({ shape }) => shape).sort()).toEqual(
        [...new Set(objects.map(({ shape }) => shape))].sort(),
      );
      expect(parsed.background ?? background).toBe(background);
      expect(parsed.background !== undefined).toBe(caption.includes('background'));
    }
  });

  it('says which words it does not know, and which it does', () => {
    expect(unknownWords('an Elephant and a red elephant near a star')).toEqual(['elephant', 'near']);
    expect(() => parsePrompt('a photo of an elephant')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_WORDS', message: expect.stringMatching(/"elephant".*circle, square/) }),
    );
  });

  it.each(['', 'circle circle', 'a photo of', 'a red blue circle', 'a star and a ring and a cross', 'left of a star'])(
    'refuses %j, which is no sentence',
    (prompt) => {
      expect(() => parsePrompt(prompt)).toThrow(expect.objectContaining({ code: 'BAD_PROMPT' }));
    },
  );
});
