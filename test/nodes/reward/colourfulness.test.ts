import { beforeAll, describe, expect, it } from 'vitest';
import { colourfulness as measure } from '../../../nodes/ml/image/colourfulness.ts';
import { randomStream } from '../../../nodes/ml/random.ts';
import { dispose, grad, sum, type Tensor, type Tensor4D, tensor4d } from '../../../nodes/ml/tf.ts';
import { colourfulness } from '../../../nodes/reward/colourfulness.ts';
import { score } from '../../../nodes/reward/score.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

/** The paper's formula on plain numbers. */
function reference(rgb: readonly (readonly [number, number, number])[]): number {
  const rg = rgb.map(([r, g]) => r - g);
  const yb = rgb.map(([r, g, b]) => (r + g) / 2 - b);
  const average = (values: number[]) => values.reduce((total, value) => total + value, 0) / values.length;
  const variance = (values: number[]) => average(values.map((value) => (value - average(values)) ** 2));
  return Math.sqrt(variance(rg) + variance(yb)) + 0.3 * Math.hypot(average(rg), average(yb));
}

const random = randomStream(3);
const pixels = Array.from(
  { length: 6 },
  () => [random.uniform() * 255, random.uniform() * 255, random.uniform() * 255] as const,
);
const image = () =>
  tensor4d(
    pixels.flat().map((value) => value / 255),
    [1, 2, 3, 3],
  );

describe('colourfulness', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('is the formula of the paper, for each image of a batch', async () => {
    const grey = Array.from({ length: 6 }, () => [100, 100, 100] as const);
    const red = Array.from({ length: 6 }, () => [255, 0, 0] as const);
    const batch = tensor4d(
      [...pixels, ...grey, ...red].flat().map((value) => value / 255),
      [3, 2, 3, 3],
    );
    const scores = measure(batch);
    const values = await scores.data();
    expect(values[0]).toBeCloseTo(reference(pixels), 3);
    expect(values[1]).toBeLessThan(0.01);
    expect(values[2]).toBeCloseTo(0.3 * Math.hypot(255, 127.5), 2);
    dispose([batch, scores]);
  });

  it('has the gradient that finite differences say, and a finite one on grey', async () => {
    const x = image();
    const gradient = grad((x: Tensor) => sum(measure(x as Tensor4D)))(x);
    const exact = await gradient.data();
    const step = 0.01;
    pixels.flat().forEach((_, i) => {
      const moved = (by: number) => {
        const flat = pixels.flat();
        flat[i] = (flat[i] ?? 0) + by * 255;
        return reference(
          flat.flatMap((_, j) => (j % 3 ? [] : [[flat[j] ?? 0, flat[j + 1] ?? 0, flat[j + 2] ?? 0] as const])),
        );
      };
      expect(exact[i]).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 1);
    });
    const grey = tensor4d(new Float32Array(12).fill(0.4), [1, 2, 2, 3]);
    const flat = grad((x: Tensor) => sum(measure(x as Tensor4D)))(grey);
    expect((await flat.data()).every(Number.isFinite)).toBe(true);
    dispose([x, gradient, grey, flat]);
  });

  it('scores a row an image and a column a reward', async () => {
    const { context } = nodeContext();
    const { reward } = await colourfulness.run({}, {}, context);
    const x = image();
    const images = { pixels: x, labels: [{ prompt: 'p', seed: 4 }] };
    const { scores } = await score.run({ images, rewards: [reward, reward], prompt: undefined }, {}, context);
    expect(scores.names).toEqual(['colourfulness', 'colourfulness']);
    expect(scores.labels).toEqual(images.labels);
    expect(scores.values[0]?.[1]).toBeCloseTo(reference(pixels), 3);
    x.dispose();
  });
});
