import { describe, expect, it } from 'vitest';
import { rankOf } from '../../../renderer/controls/rankOf.ts';

describe('rankOf', () => {
  it('prefers the start of the label, then of a word, then anything, then the text beside it', () => {
    const ranks = [
      rankOf('sam', 'Sample', ''),
      rankOf('sam', 'Draw samples', ''),
      rankOf('sam', 'Resample', ''),
      rankOf('sam', 'Noise', 'before you sample'),
      rankOf('be n', 'Best of N', ''),
    ];
    expect(ranks.slice(0, 4)).toEqual([...ranks.slice(0, 4)].sort((a, b) => b - a));
    expect(ranks.every((rank) => rank > 0)).toBe(true);
  });

  it('needs every word', () => {
    expect(rankOf('best zebra', 'Best of N', 'Draws images')).toBe(0);
    expect(rankOf('bn', 'Best of N', '')).toBeGreaterThan(0);
  });
});
