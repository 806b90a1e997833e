import { expect, it } from 'vitest';
import { cannyEdges, thresholdEdges } from '../../../../nodes/ml/condition/cannyEdges.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { expectClose, gradientPair } from '../../../support/closeness.ts';
import { describeOnDevices, guardLeaks } from '../../../support/devices.ts';

/** A grey image of brightness at(y, x). */
function image(height: number, width: number, at: (y: number, x: number) => number): tf.Tensor4D {
  const values = Array.from({ length: height * width }, (_, i) => at(Math.floor(i / width), i % width));
  return tf.tidy(() => tf.tile(tf.tensor4d(values, [1, height, width, 1]), [1, 1, 1, 3]));
}
/** Brightness that falls from 1 to 0 within about two pixels along the distance from an edge. */
const soft = (distance: number) => 1 / (1 + Math.exp(2 * distance));

async function edgePixels(pixels: tf.Tensor4D): Promise<[y: number, x: number][]> {
  const edges = tf.tidy(() => thresholdEdges(cannyEdges(pixels), 0.1, 0.2));
  const values = await edges.data();
  const width = pixels.shape[2];
  tf.dispose([edges, pixels]);
  return [...values].flatMap((value, i): [number, number][] => (value ? [[Math.floor(i / width), i % width]] : []));
}

await describeOnDevices('cannyEdges', () => {
  guardLeaks();

  it('finds lines one pixel wide, and slanted ones of pixels less than one from the edge', async () => {
    const columns = await edgePixels(image(12, 16, (_, x) => soft(x - 7.2)));
    expect(columns).toEqual(Array.from({ length: 12 }, (_, y) => [y, 7]));
    const rows = await edgePixels(image(16, 12, (y) => soft(8.3 - y)));
    expect(rows).toEqual(Array.from({ length: 12 }, (_, x) => [8, x]));
    for (const sign of [1, -1]) {
      const slanted = await edgePixels(image(20, 20, (y, x) => soft(x + sign * (y - 10) - 10.2)));
      const inner = slanted.filter(([y]) => y > 3 && y < 16);
      expect(new Set(inner.map(([y]) => y))).toEqual(new Set(Array.from({ length: 12 }, (_, i) => i + 4)));
      for (const [y, x] of inner) expect(Math.abs(x + sign * (y - 10) - 10.2)).toBeLessThan(1);
    }
  });

  it('keeps one of two equal neighbours, and finds nothing on a plain image', async () => {
    const step = await edgePixels(image(8, 8, (_, x) => (x < 4 ? 0 : 1)));
    expect(step.map(([y]) => y)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await edgePixels(image(8, 8, () => 0.5))).toEqual([]);
  });

  it("has the length of Sobel's slope: 8 times the slope of the blurred image", async () => {
    const at = (x: number) => soft(x - 7.2);
    const gauss = [-2, -1, 0, 1, 2].map((i) => Math.exp(-0.5 * i * i));
    const total = gauss.reduce((a, b) => a + b);
    const blurred = (x: number) => gauss.reduce((sum, g, i) => sum + (g / total) * at(x + i - 2), 0);
    const slope = (blurred(8) - blurred(6)) / 2;
    const pixels = image(9, 16, (_, x) => at(x));
    const edges = cannyEdges(pixels);
    expect((await edges.data())[4 * 16 + 7]).toBeCloseTo(Math.sqrt((8 * slope) ** 2 + 1e-6), 4);
    tf.dispose([pixels, edges]);
  });

  it('follows weak edges from strong ones only', async () => {
    const chain = tf.tensor4d([0.3, 0.15, 0.15, 0, 0.15, 0.15], [1, 1, 6, 1]);
    const edges = thresholdEdges(chain, 0.1, 0.2);
    expect([...(await edges.data())]).toEqual([1, 1, 1, 0, 0, 0]);
    tf.dispose([chain, edges]);
  });

  it('has the gradient of its finite differences', async () => {
    await expectClose(() => {
      const pixels = image(12, 12, (y, x) => soft(Math.hypot(y - 5.3, x - 6.1) - 3.4));
      const strong = thresholdEdges(cannyEdges(pixels), 0.5, 0.5); // on flat ground noise decides what is largest
      const chosen = tf.mul(tf.randomNormal([1, 12, 12, 1], 0, 1, 'float32', 3), strong);
      const loss = (x: tf.Tensor) => tf.sum(tf.mul(cannyEdges(x as tf.Tensor4D), chosen)) as tf.Scalar;
      return [gradientPair(loss, pixels, tf.grad(loss)(pixels), 1e-3)];
    });
  });
});
