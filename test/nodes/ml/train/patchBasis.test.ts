import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { patchBasis } from '../../../../nodes/ml/train/patchBasis.ts';

/** Rows in a plane through a point of a 6-dimensional space, the second direction three times as wide. */
function planeRows(count: number): Float32Array {
  const random = randomStream(5);
  const [first, second] = [
    [1, 0, 1, 0, 0, 0],
    [0, 1, 0, 0, -1, 0],
  ];
  return Float32Array.from(
    Array.from({ length: count }, () => {
      const [a, b] = [random.normal(), 3 * random.normal()];
      return first!.map((value, i) => 0.5 + a * value + b * second![i]!);
    }).flat(),
  );
}

describe('patchBasis', () => {
  it('loses nothing of rows that lie in as many dimensions', () => {
    expect(patchBasis(planeRows(500), 6, 2).meanAbsoluteError).toBeLessThan(1e-5);
    expect(patchBasis(planeRows(500), 6, 1).meanAbsoluteError).toBeGreaterThan(0.1);
  });

  it('gives latents of mean 0 and mean square 1, wider ones first', () => {
    const rows = planeRows(2000);
    const { encoder } = patchBasis(rows, 6, 2);
    const latents = Array.from({ length: 2000 }, (_, row) =>
      [0, 1].map((k) =>
        [0, 1, 2, 3, 4, 5].reduce((sum, i) => sum + encoder.weight[k * 6 + i]! * rows[row * 6 + i]!, encoder.bias[k]!),
      ),
    );
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    const powers = [0, 1].map((k) => mean(latents.map((z) => z[k]! ** 2)));
    for (const k of [0, 1]) expect(mean(latents.map((z) => z[k]!))).toBeCloseTo(0, 3);
    expect(mean(powers)).toBeCloseTo(1, 3);
    expect(powers[0]).toBeGreaterThan(powers[1]!);
  });
});
