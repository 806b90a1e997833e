import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { blemish, blemishes, gaussianBlur } from '../../../../nodes/ml/world/blemish.ts';
import { drawScene } from '../../../../nodes/ml/world/drawScene.ts';
import { sampleScene } from '../../../../nodes/ml/world/scene.ts';

const image = drawScene(sampleScene(randomStream(3), 'attribution'));
const change = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;

describe('blemish', () => {
  it.each(blemishes)('%s grows with its severity, is nothing at 0, and stays in [0, 1]', (kind) => {
    const [none, light, strong] = [0, 0.3, 1].map((severity) => blemish(image, kind, severity, randomStream(1)));
    expect(change(none!, image)).toBeLessThan(1e-6);
    expect(change(light!, image)).toBeGreaterThan(0.0005);
    expect(change(strong!, image)).toBeGreaterThan(1.5 * change(light!, image));
    expect(Math.min(...strong!)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...strong!)).toBeLessThanOrEqual(1);
  });

  it('is the same for the same seed and leaves its argument alone', () => {
    const before = image.slice();
    for (const kind of blemishes) {
      const [first, second] = [1, 2].map(() => blemish(image, kind, 0.7, randomStream(5)));
      expect(change(first!, second!)).toBe(0);
    }
    expect(change(image, before)).toBe(0);
  });
});

describe('gaussianBlur', () => {
  it('spreads a point as a Gaussian of that width', () => {
    const point = new Float32Array(64 * 64 * 3);
    point[(32 * 64 + 32) * 3] = 1;
    const blurred = gaussianBlur(point, 2);
    const at = (dx: number, dy: number) => blurred[((32 + dy) * 64 + 32 + dx) * 3]!;
    expect(blurred.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 4);
    expect(at(2, 0) / at(0, 0)).toBeCloseTo(Math.exp(-0.5), 5);
    expect(at(1, 2) / at(0, 0)).toBeCloseTo(Math.exp(-5 / 8), 5);
    expect(blurred.filter((_, i) => i % 3 === 1).every((value) => value === 0)).toBe(true);
  });
});
