import { expect, it } from 'vitest';
import { checkoutInWords } from './checkout.ts';

it('names the commit, where there is one, and the day', () => {
  expect(checkoutInWords(new Date('2026-11-30T23:00:00Z'))).toMatch(
    /^(at commit [0-9a-f]{7,}( with changes)?|outside of a git checkout), 2026-11-30$/,
  );
});
