import { beforeAll, describe, expect, it } from 'vitest';
import { toWhiteSpectrum } from '../../../../nodes/ml/optimise/whiteSpectrum.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import { add, dispose, mul, sub, type Tensor, tensor4d, tidy } from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

/** Power of a frequency of a channel of one image [h, w, c], by the sum that defines it. */
function powerAt(
  values: Float32Array,
  [h, w, c]: readonly [number, number, number],
  channel: number,
  ky: number,
  kx: number,
) {
  let [real, imaginary] = [0, 0];
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const angle = 2 * Math.PI * ((ky * y) / h + (kx * x) / w);
      real += values[(y * w + x) * c + channel]! * Math.cos(angle);
      imaginary += values[(y * w + x) * c + channel]! * Math.sin(angle);
    }
  return (real ** 2 + imaginary ** 2) / (h * w);
}

const shape = [16, 16, 2] as const;
/** Mean power of the frequencies of each of the four blocks of a channel. */
function blockPowers(values: Float32Array, channel: number): number[] {
  const blocks = [0, 0, 0, 0].map(() => ({ sum: 0, count: 0 }));
  const blockOf = (k: number) => (Math.min(k, 16 - k) < 4 ? 0 : 1);
  for (let ky = 0; ky < 16; ky++)
    for (let kx = 0; kx < 16; kx++) {
      const block = blocks[2 * blockOf(ky) + blockOf(kx)]!;
      block.sum += powerAt(values, shape, channel, ky, kx);
      block.count++;
    }
  return blocks.map(({ sum, count }) => sum / count);
}

describe('noise of a flat spectrum', () => {
  it('has the power of white noise in every block of frequencies', async () => {
    const noise = latentNoise([3], [...shape]);
    const wave = tensor4d(
      Float32Array.from({ length: 512 }, (_, i) => 2 * Math.sin((2 * Math.PI * (i % 32)) / 32)),
      [1, ...shape],
    );
    const odd = tidy(() => add<Tensor>(mul(noise, 1.5), wave));
    const flat = toWhiteSpectrum(odd);
    const before = blockPowers((await odd.data()) as Float32Array, 0);
    expect(Math.max(...before)).toBeGreaterThan(2);
    for (const channel of [0, 1])
      for (const power of blockPowers((await flat.data()) as Float32Array, channel)) expect(power).toBeCloseTo(1, 4);
    const twice = toWhiteSpectrum(flat);
    const change = sub(twice, flat);
    expect(Math.max(...(await change.data()).map(Math.abs))).toBeLessThan(1e-4);
    dispose([noise, wave, odd, flat, twice, change]);
  });

  it('changes white noise little, keeps images apart, and takes any size', async () => {
    const noise = latentNoise([3, 4], [6, 10, 3]);
    const [flat, single] = [toWhiteSpectrum(noise), latentNoise([4], [6, 10, 3])];
    const alone = toWhiteSpectrum(single);
    const values = await flat.data();
    const given = await noise.data();
    const apart = Array.from(values, (x, i) => Math.abs(x - given[i]!)).reduce((sum, x) => sum + x, 0) / values.length;
    expect(apart).toBeLessThan(0.2);
    expect(Array.from(values.slice(180))).toEqual(
      Array.from(await alone.data(), (x) => expect.closeTo(x, 5) as unknown as number),
    );
    const zeros = mul(noise, 0);
    const nothing = toWhiteSpectrum(zeros);
    expect((await nothing.data()).every((x) => x === 0)).toBe(true);
    dispose([noise, flat, single, alone, zeros, nothing]);
  });
});
