import { describe, expect, it } from 'vitest';
import { parseFormula } from '../../../../nodes/ml/verify/formula.ts';

describe('parseFormula', () => {
  it.each([
    ['1 + 2 * 3 - 4 / 8', 6.5],
    ['8 - 3 - 2', 3],
    ['16 / 4 / 2', 2],
    ['-(x + 1) * -y', 15],
    ['0.5 + 0.25 * sin(0.11 * (c + 1) * x)', 0.5 + 0.25 * Math.sin(0.11 * 3 * 4)],
    ['cos(sin(x)) - 1.5e-1', Math.cos(Math.sin(4)) - 0.15],
  ])('%s', (text, value) => expect(parseFormula(text)({ x: 4, y: 3, c: 2 })).toBeCloseTo(value, 12));

  it.each(['', '1 +', '(1', 'sin 1', '2 2', '1 ; 2', 'x.y', 'constructor(1)'])('refuses %j', (text) => {
    expect(() => parseFormula(text)).toThrow(/cannot be read/);
  });
});
