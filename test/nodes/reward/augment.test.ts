import { beforeAll, describe, expect, it } from 'vitest';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { drawViews, seeThrough } from '../../../nodes/ml/rewards/augmentedViews.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { augment } from '../../../nodes/reward/augment.ts';
import { weight } from '../../../nodes/reward/weight.ts';
import { expectClose, gradientPair } from '../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

/** The square of the pixel at the top left, which a shift changes. */
const corner: Reward = {
  name: 'corner',
  bytes: 0,
  differentiable: true,
  usualRange: [0, 1],
  score: (pixels) => tf.tidy(() => tf.sum(tf.square(tf.slice(pixels, [0, 0, 0, 0], [-1, 1, 1, -1])), [1, 2, 3])),
  dispose: () => expect.fail('The reward belongs to the engine.'),
};
const settings = { views: 5, shift: 0.25, noise: 0.1, seed: 3 };
const augmented = async (changed: Partial<typeof settings> = {}, reward = corner) =>
  (await augment.run({ reward }, { ...settings, ...changed }, nodeContext().context)).reward;

describe('views of an image', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('are shifted within bounds, and repeat the edge where something comes in', async () => {
    const rows = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const grey = (values: number[][]) =>
      tf.tensor4d(
        values.flat().flatMap((value) => [value, value, value]),
        [1, 2, 3, 3],
      );
    const noise = new Float32Array(18);
    const cases: [readonly [number, number], number[][]][] = [
      [[0, 0], rows],
      [
        [1, 0],
        [rows[0]!, rows[0]!],
      ],
      [
        [-1, 0],
        [rows[1]!, rows[1]!],
      ],
      [
        [0, 2],
        [
          [1, 1, 1],
          [4, 4, 4],
        ],
      ],
      [
        [-1, -1],
        [
          [5, 6, 6],
          [5, 6, 6],
        ],
      ],
    ];
    await expectClose(() =>
      cases.map(([shift, expected]) => [seeThrough({ shift, noise }, grey(rows)), grey(expected), 1e-6]),
    );
    const views = drawViews([8, 16], { ...settings, views: 200 });
    const [downs, rights] = [0, 1].map((axis) => views.map(({ shift }) => shift[axis]!));
    expect([Math.min(...downs!), Math.max(...downs!)]).toEqual([-2, 2]);
    expect([Math.min(...rights!), Math.max(...rights!)]).toEqual([-4, 4]);
    const numbers = views.flatMap((view) => [...view.noise]);
    const deviation = Math.sqrt(numbers.reduce((sum, value) => sum + value ** 2, 0) / numbers.length);
    expect(deviation).toBeCloseTo(0.1, 2);
  });

  it('give a reward that is their mean, the same for an image alone and among others, with its gradient', async () => {
    const reward = await augmented();
    const pixels = latentNoise([1, 2], [8, 8, 3]);
    const view = (i: number) => seeThrough(drawViews([8, 8], settings)[i]!, pixels);
    await expectClose(() => {
      const each = [0, 1, 2, 3, 4].map((i) => corner.score(view(i), ['', '']));
      const loss = (x: tf.Tensor) => tf.sum(reward.score(x as tf.Tensor4D, ['', '']));
      return [
        [reward.score(pixels, ['', '']), tf.mean(tf.stack(each), 0), 1e-5],
        [
          tf.slice(reward.score(pixels, ['', '']), [1], [1]),
          reward.score(tf.slice(pixels, [1, 0, 0, 0], [1, -1, -1, -1]), ['']),
          1e-5,
        ],
        gradientPair(loss, pixels, tf.grad(loss)(pixels), 1e-2),
      ];
    });
    pixels.dispose();
  });

  it('are the image itself without shift and noise, and others with another seed', async () => {
    const pixels = latentNoise([1], [8, 8, 3]);
    const [plain, other] = [await augmented({ shift: 0, noise: 0 }), await augmented({ seed: 4 })];
    const scores = [corner, plain, await augmented(), other].map((each) =>
      tf.tidy(() => each.score(pixels, ['']).dataSync()[0]!),
    );
    expect(scores[1]).toBeCloseTo(scores[0]!, 5);
    expect(Math.abs(scores[2]! - scores[3]!)).toBeGreaterThan(1e-3);
    pixels.dispose();
  });

  it('keep the weight of a reward', async () => {
    const weighed = await weight.run({ reward: corner }, { weight: 5 }, nodeContext().context);
    expect((await augmented({}, weighed.reward)).weight).toBe(5);
    expect((await augmented()).weight).toBeUndefined();
  });
});
