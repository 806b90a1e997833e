import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  meanScore,
  standardised,
  uncertaintyWeighted,
  weightedSum,
  worstCase,
} from '../../../nodes/ml/rewards/combineRewards.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { combine } from '../../../nodes/reward/combine.ts';
import { expectClose, gradientPair } from '../../support/closeness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

beforeAll(async () => {
  await openTestDevice();
}, 120_000);
guardLeaks();

const { context } = nodeContext();
const initial = { way: 'weighted sum', weights: '', lambda: 0.5, calibration: '' } as const;

/** A reward that is a factor times the mean of an image. */
const brightness = (factor: number): Reward => ({
  name: `${factor} times`,
  bytes: 8,
  differentiable: true,
  usualRange: [0, factor],
  score: (pixels) => tf.tidy(() => tf.mul(tf.mean(pixels, [1, 2, 3]), factor)),
  dispose: () => expect.fail('The members belong to the engine.'),
});

describe('ways to combine', () => {
  it('are their formulas, for any scores', async () => {
    const score = fc.double({ min: -3, max: 3, noNaN: true });
    const cases = fc.sample(fc.tuple(fc.array(fc.tuple(score, score), { minLength: 1, maxLength: 6 }), score), {
      seed: 1,
      numRuns: 30,
    });
    const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    await expectClose(
      () =>
        cases.flatMap(([rows, lambda]) => {
          const scores = tf.tensor2d(rows);
          const columns = [0, 1].map((image) => rows.map((row) => row[image]!));
          const of = (f: (values: number[]) => number) => tf.tensor1d(columns.map(f));
          const weights = rows.map((_, i) => i - 1.5);
          const variance = (values: number[]) => average(values.map((value) => (value - average(values)) ** 2));
          return [
            [weightedSum(scores, weights), of((v) => v.reduce((sum, r, i) => sum + r * weights[i]!, 0)), 1e-3],
            [meanScore(scores), of(average), 1e-3],
            [worstCase(scores), of((v) => Math.min(...v)), 1e-6],
            [uncertaintyWeighted(scores, lambda), of((v) => average(v) - lambda * variance(v)), 1e-3],
          ] as const;
        }) as never,
    );
  });

  it('have the gradients of finite differences', async () => {
    await expectClose(() => {
      const scores = tf.tensor2d([
        [1, -2],
        [0.5, 3],
        [2, 0],
      ]);
      const ways = [
        (x: tf.Tensor2D) => weightedSum(x, [5, 1, 0.01]),
        meanScore,
        worstCase,
        (x: tf.Tensor2D) => uncertaintyWeighted(x, 0.7),
        (x: tf.Tensor2D) =>
          worstCase(
            standardised(
              x,
              [1, 2, 3].map((deviation) => ({ mean: 0.1, deviation })),
            ),
          ),
      ];
      return ways.map((way) => {
        const loss = (x: tf.Tensor) => tf.sum(way(x as tf.Tensor2D));
        return gradientPair(loss, scores, tf.grad(loss)(scores), 0.01);
      });
    });
  });
});

describe('reward/combine', () => {
  it('weighs, standardises and names its members', async () => {
    const rewards = [brightness(1), { ...brightness(10), weight: 0.2 }];
    const image = () => tf.fill([1, 2, 2, 3], 0.5) as tf.Tensor4D; // scores 0.5 and 5
    const scoreOf = async (params: object) => {
      const { reward } = await combine.run({ rewards }, { ...initial, ...params }, context);
      return { reward, score: () => reward.score(image(), ['']) };
    };
    const sum = await scoreOf({ weights: '2, -0.1' });
    const own = await scoreOf({});
    const mean = await scoreOf({ way: 'mean' });
    const worst = await scoreOf({ way: 'worst case', calibration: '0 1, 4 10' });
    const uncertain = await scoreOf({ way: 'uncertainty-weighted', lambda: 0.1 });
    await expectClose(() => [
      [sum.score(), tf.tensor1d([0.5]), 1e-5],
      [own.score(), tf.tensor1d([1.5]), 1e-5],
      [mean.score(), tf.tensor1d([2.75]), 1e-5],
      [worst.score(), tf.tensor1d([0.1]), 1e-5],
      [uncertain.score(), tf.tensor1d([2.75 - 0.1 * 2.25 ** 2]), 1e-5],
    ]);
    expect(mean.reward.usualRange).toEqual([0, 5.5]);
    expect(sum.reward.usualRange).toEqual([0, 1]);
    expect(worst.reward.usualRange).toEqual([-0.4, 0.6]);
    expect(sum.reward).toMatchObject({
      name: 'weighted sum of 1 times, 10 times',
      bytes: 0,
      uses: rewards,
      differentiable: true,
    });
    sum.reward.dispose();
  });

  it.each([
    [{ weights: '1' }, 'The weights "1" must be 2 numbers with commas between them'],
    [{ weights: '1, x' }, 'The weights "1, x" must be 2 numbers'],
    [{ calibration: '0 1' }, 'The calibration "0 1" must be 2 pairs'],
    [{ calibration: '0 1, 0 0' }, 'standard deviation above 0'],
  ])('refuses %j', (params, message) => {
    const run = () => combine.run({ rewards: [brightness(1), brightness(2)] }, { ...initial, ...params }, context);
    expect(run).toThrow(message);
  });
});
