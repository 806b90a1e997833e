import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMessage, serialiseMessage } from '../../../graphs/engine/messageText.ts';

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0), // JSON has no minus zero
    fc.string(),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

describe('text with bytes in it', () => {
  it('brings back any plain data, in one line', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const text = serialiseMessage(value);
        expect(text).not.toContain('\n');
        expect(parseMessage(text)).toEqual(value);
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  it('takes images of some size', () => {
    const bytes = Uint8Array.from({ length: 200_001 }, (_, i) => i % 251);
    const back = parseMessage(serialiseMessage({ bytes })) as { bytes: Uint8Array };
    expect(Buffer.compare(back.bytes, bytes)).toBe(0);
  });

  it('takes a part of a larger buffer alone', () => {
    expect(parseMessage(serialiseMessage(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)))).toEqual(new Uint8Array([2, 3]));
  });

  it('puts bytes only where they were taken from', () => {
    for (const path of [['__proto__', 'polluted'], ['constructor'], ['a', 'b'], ['full']]) {
      const text = JSON.stringify({ value: { a: null, full: 1 }, bytes: [[path, 'AAAA']] });
      expect(() => parseMessage(text), path.join('.')).toThrow(TypeError);
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
