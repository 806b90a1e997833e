import { describe, expect, it } from 'vitest';
import { rankLabel } from '../../../renderer/controls/rankLabel.ts';

describe('rankLabel', () => {
  it('prefers the start of the label, then of a word, then anything, then the text beside it', () => {
    const ranks = [
      rankLabel('sam', 'Sample', ''),
      rankLabel('sam', 'Draw samples', ''),
      rankLabel('sam', 'Resample', ''),
      rankLabel('sam', 'Noise', 'before you sample'),
      rankLabel('be n', 'Best of N', ''),
    ];
    expect(ranks.slice(0, 4)).toEqual([...ranks.slice(0, 4)].sort((a, b) => b - a));
    expect(ranks.every((rank) => rank > 0)).toBe(true);
  });

  it('needs every word', () => {
    expect(rankLabel('best zebra', 'Best of N', 'Draws images')).toBe(0);
    expect(rankLabel('bn', 'Best of N', '')).toBeGreaterThan(0);
  });
});
