import { expect, it } from 'vitest';
import { formatBytes, formatDuration, spellName } from '../../../renderer/state/format.ts';

it('writes times in the units that people use', () => {
  const times = [0.4, 999, 1000, 9949, 12_345, 59_999, 61_000, 119_600, 3_599_700, 3_600_000 + 120_000];
  expect(times.map(formatDuration)).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '9.9 s',
    '12 s',
    '60 s',
    '1 min 1 s',
    '2 min 0 s',
    '1 h 0 min',
    '1 h 2 min',
  ]);
});

it('writes sizes with two digits at least', () => {
  const sizes = [0, 999, 1000, 12_345, 6_100_000_000, 5e15];
  expect(sizes.map(formatBytes)).toEqual(['0 B', '999 B', '1.0 kB', '12 kB', '6.1 GB', '5000 TB']);
});

it('spells names of params in words', () => {
  expect(['seed', 'guidanceScale', 'minSNRGamma'].map(spellName)).toEqual([
    'seed',
    'guidance scale',
    'min s n r gamma',
  ]);
});
