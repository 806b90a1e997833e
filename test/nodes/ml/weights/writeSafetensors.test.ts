import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float16ToNumber, toFloat16 } from '../../../../nodes/ml/weights/float16.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { toCheckpointLayout, writeSafetensors } from '../../../../nodes/ml/weights/writeSafetensors.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

describe('toFloat16', () => {
  it('gives every float16 back', () => {
    for (let half = 0; half < 1 << 16; half++) {
      const value = float16ToNumber(half);
      const back = toFloat16(Float32Array.of(value))[0] as number;
      if (Number.isNaN(value)) expect(float16ToNumber(back)).toBeNaN();
      else if (back !== half) expect.fail(`${half} became ${back}`);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -65504, max: 65504 });
    fc.assert(
      fc.property(
        fc.oneof(finite, fc.float({ noNaN: true, min: -Math.fround(1e-4), max: Math.fround(1e-4) })),
        (value) => {
          const half = toFloat16(Float32Array.of(value))[0] as number;
          const error = Math.abs(float16ToNumber(half) - value);
          for (const other of [half - 1, half + 1]) {
            if ((other & 0x7fff) > 0x7c00 || ((other ^ half) & 0x8000) !== 0) continue;
            const otherError = Math.abs(float16ToNumber(other) - value);
            expect(error < otherError || (error === otherError && half % 2 === 0)).toBe(true);
          }
        },
      ),
      { seed: 7, numRuns: 5000 },
    );
    const cases = [65519.996, 65520, 2 ** -25, 2 ** -25 * 1.0001, 3 * 2 ** -25, -1e9, 1 + 2 ** -11, 1 + 3 * 2 ** -11];
    const bits = [0x7bff, 0x7c00, 0, 1, 2, 0xfc00, 0x3c00, 0x3c02];
    expect([...toFloat16(Float32Array.from(cases))]).toEqual(bits);
  });
});

describe('writeSafetensors', () => {
  it('writes what openCheckpoint reads', async () => {
    const file = writeSafetensors(
      new Map([
        ['half', { dtype: 'F16', shape: [3], values: Float32Array.of(1, -0.5, 0.1) }],
        ['__proto__', { dtype: 'F32', shape: [2, 1], values: Float32Array.of(1.25, 3) }],
        ['none', { dtype: 'F32', shape: [0, 4], values: new Float32Array(0) }],
      ]),
      { format: 'pt' },
    );
    const checkpoint = await openCheckpoint(memoryFiles({ 'a.safetensors': file }), 'a.safetensors');
    expect(checkpoint.names().sort()).toEqual(['__proto__', 'half', 'none']);
    expect(checkpoint.metadata.get('format')).toBe('pt');
    expect(checkpoint.entry('half')).toMatchObject({ dtype: 'float16', shape: [3], bytes: 6 });
    expect(await checkpoint.read('half')).toEqual(Float32Array.of(1, -0.5, 0.0999755859375));
    expect(await checkpoint.read('__proto__')).toEqual(Float32Array.of(1.25, 3));
  });
});

describe('toCheckpointLayout', () => {
  it('moves HWIO to OIHW and leaves other ranks alone', () => {
    const values = Float32Array.from({ length: 24 }, (_, i) => i);
    const kernel = toCheckpointLayout(values, [1, 2, 3, 4]);
    expect(kernel.shape).toEqual([4, 3, 1, 2]);
    expect([...kernel.values.slice(0, 6)]).toEqual([0, 12, 4, 16, 8, 20]);
    expect(toCheckpointLayout(values, [2, 12])).toEqual({ shape: [2, 12], values });
  });
});
