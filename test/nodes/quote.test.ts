import fc from 'fast-check';
import { expect, it } from 'vitest';
import { escapeControls, quote } from '../../nodes/quote.ts';

it('shows small values as JSON does', () => {
  for (const value of ['a', 1, -0.5, true, null, [1, 2], { a: [1], b: { c: 'd' } }, [], {}, 'a"b\\c'])
    expect(quote(value)).toBe(JSON.stringify(value));
  expect(quote(undefined)).toBe('undefined');
  expect(quote(2n ** 70n)).toBe('1180591620717411303424');
  expect(quote(new Map([['a', 1]]))).toBe('{"a":1}');
  expect(quote(Uint8Array.of(1, 2))).toBe('[1,2]');
  expect(quote(() => 'secret')).toBe('a function');
  expect(quote(Symbol('a'))).toBe('Symbol(a)');
});

it('shows any value in at most 301 letters, none of which a terminal obeys', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withMap: true, withTypedArray: true }),
      fc.string({ unit: 'binary' }),
      (value, text) => {
        for (const each of [value, text, { [text]: value }]) {
          const shown = quote(each);
          expect(shown.length).toBeLessThanOrEqual(301);
          expect(escapeControls(shown)).toBe(shown);
        }
      },
    ),
    { seed: 1, numRuns: 300 },
  );
  expect(quote('\u001b]0;x\u0007\r\n\u009b\u202e\u2028')).toBe('"\\u001b]0;x\\u0007\\r\\n\\u009b\\u202e\\u2028"');
});

it('ends for values that are deep, circular, or shared', () => {
  let deep: unknown = 1;
  for (let i = 0; i < 1_000_000; i++) deep = [deep];
  expect(quote(deep)).toBe('[[[[…]]]]');
  const circle: unknown[] = [];
  circle.push(circle, circle);
  expect(quote(circle)).toBe('[[[[…],[…]],[[…],[…]]],[[[…],[…]],[[…],[…]]]]');
  expect(quote(new Array(1_000_000).fill('x'.repeat(1000))).length).toBe(301);
  expect(quote('x'.repeat(10_000_000))).toBe(`"${'x'.repeat(120)}…"`);
});
