import { beforeAll, describe, expect, it } from 'vitest';
import { adam } from '../../../../nodes/ml/optimise/adam.ts';
import { measureImageBytes } from '../../../../nodes/ml/optimise/imageBytes.ts';
import { type BatchSettings, maximiseBatches } from '../../../../nodes/ml/optimise/maximiseBatches.ts';
import type { ObjectiveParts } from '../../../../nodes/ml/optimise/objective.ts';
import { disposeSnapshots, type RowResult } from '../../../../nodes/ml/optimise/rowState.ts';
import { sgd } from '../../../../nodes/ml/optimise/sgd.ts';
import { lbfgsStepper, optimiserStepper } from '../../../../nodes/ml/optimise/stepper.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import { add, fill, mul, neg, type Tensor1D, tidy } from '../../../../nodes/ml/tf.ts';
import type { Reward } from '../../../../nodes/ports.ts';
import { brightness } from '../../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { stripeGenerator } from '../../../support/stripeGenerator.ts';

const size = 4 * 8 * 3;
const reno: BatchSettings = {
  variable: 'noise',
  evaluations: 6,
  batch: 8,
  createStepper: () => optimiserStepper(sgd({ learningRate: 5, momentum: 0.9, nesterov: true }), 0.1),
  regularisation: 0.01,
  projectRadius: false,
  gradient: 'exact',
  watch: { patience: 3, stop: false },
};

/** Images of seeds, drawn in two steps; `x` of an image is sigmoid(noise 1.25^2). */
function createParts(seeds: readonly number[], rewardSet: Partial<ObjectiveParts> = {}): ObjectiveParts {
  return {
    generator: stripeGenerator(),
    request: {
      noise: { latents: latentNoise(seeds, [4, 8, 3]), seeds },
      prompts: ['p'],
      negativePrompt: '',
      settings: { scheduler: 'model', steps: 2, guidanceScale: 1, eta: 0 },
      conditions: [],
    },
    rewards: [{ ...brightness, weight: 5 }],
    watched: [],
    ...rewardSet,
  };
}

const quiet = async () => {};

/** Optimises images, reads what is asked of it, and frees everything. */
async function optimised<Read>(
  parts: ObjectiveParts,
  settings: Partial<BatchSettings>,
  read: (rows: RowResult[]) => Promise<Read> | Read,
  report: Parameters<typeof maximiseBatches>[2] = quiet,
): Promise<Read> {
  try {
    const rows = await maximiseBatches(parts, { ...reno, ...settings }, report);
    try {
      return await read(rows);
    } finally {
      disposeSnapshots(rows);
    }
  } finally {
    parts.request.noise.latents.dispose();
  }
}

/** ReNO's loop in plain double-precision numbers, for one image of the stripe generator. */
function reference(start: ArrayLike<number>, evaluations: number, weight: number) {
  let e = Array.from(start);
  let buffer = e.map(() => 0);
  const rows: { total: number; length: number; e: number[] }[] = [];
  for (let k = 0; k < evaluations; k++) {
    const x = e.map((value) => 1 / (1 + Math.exp(-value * 1.25 ** 2)));
    const length = Math.hypot(...e);
    rows.push({ total: (weight * x.reduce((sum, value) => sum + value, 0)) / size, length, e });
    const gradient = x.map((value) => (-weight * 1.25 ** 2 * value * (1 - value)) / size);
    const g = gradient.map((value, i) => value + 0.01 * (e[i]! - ((size - 1) * e[i]!) / length ** 2));
    const norm = Math.hypot(...g);
    const clipped = g.map((value) => value * Math.min(1, 0.1 / (norm + 1e-6)));
    buffer = buffer.map((value, i) => 0.9 * value + clipped[i]!);
    e = e.map((value, i) => value - 5 * (clipped[i]! + 0.9 * buffer[i]!));
  }
  return rows;
}

/** Brightness until it has been asked `good` times, then what `after` makes of it. */
function turning(good: number, after: (scores: Tensor1D) => Tensor1D): Reward {
  let asked = 0;
  return {
    ...brightness,
    name: 'turning',
    score: (pixels, prompts) =>
      tidy(() => {
        const scores = brightness.score(pixels, prompts);
        return ++asked > good ? after(scores) : scores;
      }),
  };
}

describe('maximiseBatches on noise', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('is ReNO’s loop written out in plain numbers, each image on its own', async () => {
    const parts = createParts([3, 4]);
    const starts = (await parts.request.noise.latents.data()) as Float32Array;
    const generator = stripeGenerator();
    const fractions: number[] = [];
    await optimised(
      { ...parts, generator },
      {},
      async (rows) => {
        for (const [i, { first, best, trace }] of rows.entries()) {
          const expected = reference(starts.subarray(i * size, (i + 1) * size), 6, 5);
          expect(trace).toHaveLength(6);
          for (const [k, { total, length }] of expected.entries()) {
            expect(trace[k]![0]).toBeCloseTo(total, 4);
            expect(trace[k]![1]).toBeCloseTo(total / 5, 5);
            expect(trace[k]![2]! / length).toBeCloseTo(1, 5);
          }
          const top = expected.reduce((a, b) => (b.total > a.total ? b : a));
          expect(best.evaluation).toBe(expected.indexOf(top));
          expect(best.evaluation).toBeGreaterThan(0);
          (await best.variable.data()).forEach((value, j) => {
            expect(value).toBeCloseTo(top.e[j]!, 3);
          });
          expect(Array.from(await first.variable.data())).toEqual([...starts.subarray(i * size, (i + 1) * size)]);
          (await first.pixels.data()).forEach((value, j) => {
            expect(value).toBeCloseTo(1 / (1 + Math.exp(-starts[i * size + j]! * 1.5625)), 5);
          });
        }
      },
      async ({ fraction, rows }) => {
        fractions.push(fraction);
        expect(rows).toHaveLength(2);
      },
    );
    expect(generator.batches).toEqual([2, 2, 2, 2, 2, 2]); // 6 evaluations, 5 steps
    expect(fractions).toEqual([1, 2, 3, 4, 5, 6].map((k) => k / 6));
  });

  it('gives the same images whatever the batch', async () => {
    const totals = (batch: number) =>
      optimised(createParts([1, 2, 3]), { batch }, (rows) => rows.map(({ trace }) => trace.map(([total]) => total!)));
    const [together, apart] = [await totals(8), await totals(2)];
    for (const [i, row] of together.entries())
      for (const [k, total] of row.entries()) expect(total).toBeCloseTo(apart[i]![k]!, 6);
  });

  it('keeps the earlier of equals, and the best even where steps go past it', async () => {
    const level: Reward = turning(2, (scores) =>
      tidy(() => add(mul(scores, 1e-9), fill(scores.shape, 0.75) as Tensor1D)),
    );
    await optimised(createParts([1], { rewards: [level] }), {}, ([row]) => {
      expect(row!.trace.slice(2).map(([total]) => total)).toEqual([0.75, 0.75, 0.75, 0.75]);
      expect(row!.best.evaluation).toBe(2);
    });
    const downhill = turning(3, (scores) => neg(scores));
    await optimised(createParts([1], { rewards: [downhill] }), {}, ([row]) => {
      expect(row!.best.evaluation).toBe(2);
      expect(row!.trace[5]![0]).toBeLessThan(0);
    });
  });

  it('stops an image whose reward is no number, keeps its best, says so, and goes on with the others', async () => {
    const broken: Reward = turning(3, (scores) => mul(scores, [Number.NaN, 1]) as Tensor1D);
    await optimised(createParts([1, 2], { rewards: [broken] }), {}, async ([first, second]) => {
      expect(first!.trace).toHaveLength(3);
      expect(second!.trace).toHaveLength(6);
      expect(first!.remarks).toEqual([
        'The image of "p", seed 1, stopped at evaluation 4, because the reward "turning" is NaN; its best so far is kept, of evaluation 3.',
      ]);
      expect(second!.remarks).toEqual([]);
      expect((await first!.best.pixels.data()).every(Number.isFinite)).toBe(true);
    });
    const always = turning(0, (scores) => mul(scores, Number.NaN));
    await expect(optimised(createParts([1], { rewards: [always] }), {}, quiet)).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringContaining('the reward "turning" is NaN at the first evaluation'),
    });
  });

  it('refuses rewards that do not depend on the noise', async () => {
    const constant = (scores: Tensor1D) => fill(scores.shape, 3) as Tensor1D;
    const flat = (scores: Tensor1D) => tidy(() => add(mul(scores, 0), 3) as Tensor1D);
    for (const after of [constant, flat])
      await expect(optimised(createParts([1], { rewards: [turning(0, after)] }), {}, quiet)).rejects.toMatchObject({
        code: 'NO_GRADIENT',
      });
  });

  it('leaves nothing behind where a reward throws in the middle of a gradient', async () => {
    const throwing = turning(1, () => {
      throw new Error('no such image');
    });
    const rewards = [brightness, throwing];
    await expect(optimised(createParts([1], { rewards }), {}, quiet)).rejects.toThrow('no such image');
    const parts = createParts([1], { rewards: [turning(0, (scores) => scores)] });
    await optimised(parts, {}, ([row]) => expect(row!.best.evaluation).toBe(5));
  });

  it('says when the watched reward falls while the optimised one rises, and stops there if asked to', async () => {
    const dark: Reward = {
      ...brightness,
      name: 'darkness',
      score: (pixels) => tidy(() => neg(brightness.score(pixels, []))),
    };
    const watched = turning(3, (scores) => tidy(() => neg(scores)));
    await optimised(createParts([1], { watched: [watched] }), { evaluations: 9 }, ([row]) => {
      expect(row!.trace).toHaveLength(9);
      expect(row!.remarks).toEqual([expect.stringMatching(/from evaluation 3 to 6 .* rose .* \(turning\) fell/)]);
      expect(row!.trace.map(([, , score]) => Math.sign(score!))).toEqual([1, 1, 1, -1, -1, -1, -1, -1, -1]);
    });
    const stop = { patience: 3, stop: true };
    await optimised(createParts([1], { watched: [dark] }), { evaluations: 9, watch: stop }, ([row]) => {
      expect(row!.trace).toHaveLength(4);
      expect(row!.best.evaluation).toBe(0);
      expect(row!.remarks).toHaveLength(2);
      expect(row!.remarks[1]).toContain('kept, of evaluation 1');
    });
  });

  it('frees everything where it is cancelled on the way', async () => {
    const stop: Parameters<typeof maximiseBatches>[2] = async ({ fraction }) => {
      if (fraction > 0.6) throw new Error('cancelled');
    };
    const parts = createParts([1, 2, 3], { watched: [brightness] });
    await expect(optimised(parts, { batch: 2 }, quiet, stop)).rejects.toThrow('cancelled');
  });

  it('keeps the noise at its length where asked to', async () => {
    await optimised(createParts([1]), { projectRadius: true }, ([row]) => {
      for (const [, , length] of row!.trace.slice(1)) expect(length).toBeCloseTo(Math.sqrt(size), 4);
    });
  });

  it('optimises by Adam and L-BFGS too, and counts each evaluation', async () => {
    const steppers: (() => ReturnType<BatchSettings['createStepper']>)[] = [
      () => optimiserStepper(adam({ learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-2 }), 0),
      () => lbfgsStepper({ history: 3, firstStep: 1 }),
    ];
    for (const stepper of steppers) {
      const generator = stripeGenerator();
      await optimised({ ...createParts([1, 2]), generator }, { createStepper: stepper, evaluations: 12 }, (rows) => {
        for (const { first, best } of rows) expect(best.total).toBeGreaterThan(first.total + 0.3);
      });
      expect(generator.batches).toHaveLength(12);
    }
  });

  it('goes uphill by the gradient of the decoder alone', async () => {
    await optimised(createParts([1]), { gradient: 'decoder only', regularisation: 0 }, ([row]) => {
      expect(row!.best.evaluation).toBe(5);
      expect(row!.best.total).toBeGreaterThan(row!.first.total);
    });
  });

  it('knows what memory an image takes', async () => {
    const parts = createParts([1, 2, 3]);
    const bytes = await measureImageBytes(parts, reno);
    parts.request.noise.latents.dispose();
    expect(bytes).toBeGreaterThan(size * 4 * 4); // noise, two steps and the image, at least
    expect(bytes).toBeLessThan(size * 4 * 100);
  });
});
