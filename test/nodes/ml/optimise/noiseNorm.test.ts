import { beforeAll, expect, it } from 'vitest';
import { noiseNorm, toNoiseRadius } from '../../../../nodes/ml/optimise/noiseNorm.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import { dispose, mul, tensor } from '../../../../nodes/ml/tf.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';

/** The penalty of one row in double precision. */
function reference(row: ArrayLike<number>): number {
  const squares = Array.from(row).reduce((sum, value) => sum + value * value, 0);
  return squares / 2 - (row.length - 1) * Math.log(Math.sqrt(squares));
}

await describeOnDevices('the length of noise', () => {
  guardLeaks();
  let noise: Float32Array;
  beforeAll(async () => {
    const drawn = latentNoise([3, 4], [8, 8, 4]);
    const longer = mul(drawn, tensor([1, 1.5], [2, 1, 1, 1]));
    noise = (await longer.data()) as Float32Array;
    dispose([drawn, longer]);
  });

  it('is penalised as the formula says, with the gradient that finite differences say', async () => {
    const x = tensor(noise, [2, 8, 8, 4]);
    const { penalty, gradient } = noiseNorm(x);
    const [values, slopes] = [await penalty.data(), await gradient.data()];
    for (const row of [0, 1]) {
      const numbers = Float64Array.from(noise.subarray(row * 256, (row + 1) * 256));
      expect(values[row]! / reference(numbers)).toBeCloseTo(1, 5);
      for (const i of [0, 17, 255]) {
        const moved = (by: number) => reference(numbers.map((value, j) => (j === i ? value + by : value)));
        expect(slopes[row * 256 + i]).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 4);
      }
    }
    dispose([x, penalty, gradient]);
  });

  it('has no slope at sqrt(d - 1), and pulls towards it from both sides', async () => {
    const x = tensor(noise.subarray(0, 256), [1, 8, 8, 4]);
    const length = Math.hypot(...noise.subarray(0, 256));
    for (const [size, sign] of [
      [Math.sqrt(255), 0],
      [14, -1],
      [18, 1],
    ] as const) {
      const scaled = mul(x, size / length);
      const { penalty, gradient } = noiseNorm(scaled);
      const [slope, value] = [(await gradient.data())[0]!, noise[0]!];
      if (sign === 0) expect(Math.abs(slope)).toBeLessThan(1e-5);
      else expect(Math.sign(slope)).toBe(sign * Math.sign(value));
      dispose([scaled, penalty, gradient]);
    }
    dispose(x);
  });

  it('is brought back to sqrt(d), each row on its own', async () => {
    const x = tensor(noise, [2, 8, 8, 4]);
    const projected = toNoiseRadius(x);
    const values = await projected.data();
    for (const row of [0, 1]) {
      const numbers = values.subarray(row * 256, (row + 1) * 256);
      expect(Math.hypot(...numbers)).toBeCloseTo(16, 4);
      expect(numbers[5]! / numbers[6]!).toBeCloseTo(noise[row * 256 + 5]! / noise[row * 256 + 6]!, 3);
    }
    dispose([x, projected]);
  });
});
