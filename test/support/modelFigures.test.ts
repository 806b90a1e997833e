import { describe, expect, it } from 'vitest';
import { shareOfPairs } from './modelFigures.ts';

describe('the share of pairs ranked like the judge', () => {
  const images = [
    { prompt: 'a', satisfied: 1 },
    { prompt: 'a', satisfied: 0.5 },
    { prompt: 'a', satisfied: 0.5 },
    { prompt: 'b', satisfied: 0 },
  ];

  it('counts pairs of one prompt that are not equally good, and a tied score as wrong', () => {
    expect(shareOfPairs(images, [3, 2, 1, 9])).toBe(1);
    expect(shareOfPairs(images, [2, 3, 1, 9])).toBe(0.5);
    expect(shareOfPairs(images, [2, 2, 1, 0])).toBe(0.5);
    expect(shareOfPairs(images, [0, 2, 1, 0])).toBe(0);
  });
});
