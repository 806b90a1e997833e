import { describe, expect, it } from 'vitest';
import { gainsInWords } from '../../../electron/cli/gains.ts';

describe('what was gained', () => {
  it('is told by each reward, as means of the first and of the kept', () => {
    const columns = [
      { name: 'total', role: 'total' },
      { name: 'CLIP score', role: 'reward' },
      { name: 'truth', role: 'watched' },
      { name: 'length', role: 'measure' },
    ] as const;
    const values = [
      [
        [2, 20, 0.5, 1],
        [3, 30, 0.25, 1],
        [2.5, 25, 1, 1],
      ],
      [
        [1, 10, 0.25, 1],
        [0, 0, 0, 1],
      ],
    ];
    expect(gainsInWords({ columns, values, labels: [{}, {}], kept: [1, 0], remarks: [] })).toEqual([
      'CLIP score: 15.00 at first, 20.00 kept',
      'truth (watched): 0.3750 at first, 0.2500 kept',
    ]);
  });
});
