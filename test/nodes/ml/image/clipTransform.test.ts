import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { clipDeviation, clipMean, clipTransform } from '../../../../nodes/ml/image/clipTransform.ts';
import { bicubicMatrix, resizeBicubic } from '../../../../nodes/ml/image/resize.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

describe('bicubicMatrix', () => {
  const size = fc.integer({ min: 1, max: 70 });
  it.each(['antialias', 'plain'] as const)('%s: rows sum to 1 and are symmetric', (kind) => {
    fc.assert(
      fc.property(size, size, (from, to) => {
        const matrix = bicubicMatrix(from, to, kind);
        for (let i = 0; i < to; i++) {
          const row = matrix.subarray(i * from, (i + 1) * from);
          expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
          const mirrored = matrix
            .subarray((to - 1 - i) * from, (to - i) * from)
            .slice()
            .reverse();
          for (let j = 0; j < from; j++) expect(row[j]).toBeCloseTo(mirrored[j] as number, 4);
        }
      }),
      { seed: 11, numRuns: 40 },
    );
  });
  it.each(['antialias', 'plain'] as const)('%s: the same size is the identity', (kind) => {
    const matrix = bicubicMatrix(9, 9, kind);
    for (let i = 0; i < 81; i++) expect(matrix[i] === (i % 10 === 0 ? 1 : 0)).toBe(true);
  });
});

describe('resizeBicubic', () => {
  it('resizes rows and columns by themselves, keeps channels and images apart', () => {
    const ramp = tf.tidy(() => {
      const rows = tf.reshape(tf.linspace(0, 7, 8), [1, 8, 1, 1]);
      return tf.add(tf.tile(rows, [2, 1, 6, 2]), tf.tensor4d([0, 100, 200, 300], [2, 1, 1, 2])) as tf.Tensor4D;
    });
    const small = resizeBicubic(ramp, 4, 3);
    expect(small.shape).toEqual([2, 4, 3, 2]);
    const values = small.arraySync();
    for (const [n, image] of values.entries()) {
      for (const [y, row] of image.entries()) {
        for (const pixel of row) {
          for (const [c, value] of pixel.entries()) {
            expect(value).toBeCloseTo((values[0]?.[y]?.[0]?.[0] as number) + 200 * n + 100 * c, 3);
          }
        }
      }
    }
    expect(values[0]?.[1]?.[0]?.[0]).toBeCloseTo(2.5, 1);
    tf.dispose([ramp, small]);
  });
});

describe('clipTransform', () => {
  it('crops the middle of the long side and normalises every channel', () => {
    const wide = tf.tidy(() => {
      const columns = tf.reshape(tf.range(0, 9), [1, 1, 9, 1]);
      return tf.tile(columns, [1, 4, 1, 3]) as tf.Tensor4D;
    });
    const square = clipTransform(wide, 4);
    const row = square.arraySync()[0]?.[0] as number[][];
    // (9 - 4) / 2 = 2.5 rounds to the even 2
    expect(row.map((pixel) => Math.round((pixel[0] as number) * clipDeviation[0] + clipMean[0]))).toEqual([2, 3, 4, 5]);
    for (const c of [0, 1, 2])
      expect((row[1]?.[c] as number) * (clipDeviation[c] as number) + (clipMean[c] as number)).toBeCloseTo(3, 4);
    tf.dispose([wide, square]);
  });

  it('has the gradient of its finite differences', () => {
    const [x, direction] = [1, 2].map((seed) => tf.randomUniform([1, 9, 14, 3], 0, 1, 'float32', seed)) as [
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const loss = (pixels: tf.Tensor) => tf.mean(tf.square(clipTransform(pixels as tf.Tensor4D, 6)));
    const [slope, difference] = tf.tidy(() => {
      const at = (t: number) => loss(tf.add(x, tf.mul(direction, t)));
      return tf
        .stack([tf.sum(tf.mul(tf.grad(loss)(x), direction)), tf.div(tf.sub(at(0.01), at(-0.01)), 0.02)])
        .dataSync();
    }) as unknown as [number, number];
    expect(Math.abs(slope - difference)).toBeLessThan(1e-3 * Math.abs(slope));
    tf.dispose([x, direction]);
  });
});
