import { expect, it } from 'vitest';
import { measurePrompt } from '../../../../nodes/ml/text/measurePrompt.ts';

it.each([
  ['', 0, 1],
  ['a red dog', 3, 1],
  ['a (red:1.3) dog, sky', 5, 1],
  ['dog '.repeat(75), 75, 1],
  ['dog '.repeat(80), 5, 2],
  ['x embedding:y', 2, 1],
])('counts the tokens of "%s"', async (prompt, tokens, chunks) => {
  expect(await measurePrompt(prompt)).toEqual({ tokens, chunks });
});

it('leaves out what would take long to count', async () => {
  expect(await measurePrompt('a'.repeat(20_001))).toBeUndefined();
});
