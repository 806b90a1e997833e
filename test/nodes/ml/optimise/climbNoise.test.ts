import { beforeAll, describe, expect, it } from 'vitest';
import { adam } from '../../../../nodes/ml/optimise/adam.ts';
import { type Climbed, forget } from '../../../../nodes/ml/optimise/climber.ts';
import {
  bytesOfImage,
  climbNoise,
  type NoiseClimb,
  type NoiseClimbSettings,
} from '../../../../nodes/ml/optimise/climbNoise.ts';
import { searching, stepping } from '../../../../nodes/ml/optimise/route.ts';
import { sgd } from '../../../../nodes/ml/optimise/sgd.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import { add, fill, mul, neg, type Tensor1D, tidy } from '../../../../nodes/ml/tf.ts';
import type { Reward } from '../../../../nodes/ports.ts';
import { brightness } from '../../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';
import { stripeGenerator } from '../../../support/stripeGenerator.ts';

const size = 4 * 8 * 3;
const reno: NoiseClimbSettings = {
  evaluations: 6,
  batch: 8,
  route: () => stepping(sgd({ learningRate: 5, momentum: 0.9, nesterov: true }), 0.1),
  regularisation: 0.01,
  projectRadius: false,
  gradient: 'exact',
  watch: { patience: 3, stop: false },
};

/** Images of seeds, drawn in two steps; `x` of an image is sigmoid(noise 1.25^2). */
function slopeOf(seeds: readonly number[], judges: Partial<NoiseClimb> = {}): NoiseClimb {
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
    ...judges,
  };
}

const quiet = async () => {};

/** Runs a climb, reads what is asked of it, and frees everything. */
async function climbed<Read>(
  slope: NoiseClimb,
  settings: Partial<NoiseClimbSettings>,
  read: (rows: Climbed[]) => Promise<Read> | Read,
  report: Parameters<typeof climbNoise>[2] = quiet,
): Promise<Read> {
  try {
    const rows = await climbNoise(slope, { ...reno, ...settings }, report);
    try {
      return await read(rows);
    } finally {
      for (const { first, best } of rows) for (const moment of [first, best]) forget(moment);
    }
  } finally {
    slope.request.noise.latents.dispose();
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
    const slope = x.map((value) => (-weight * 1.25 ** 2 * value * (1 - value)) / size);
    const g = slope.map((value, i) => value + 0.01 * (e[i]! - ((size - 1) * e[i]!) / length ** 2));
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

describe('climbNoise', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('is ReNO’s loop written out in plain numbers, each image on its own', async () => {
    const slope = slopeOf([3, 4]);
    const starts = (await slope.request.noise.latents.data()) as Float32Array;
    const generator = stripeGenerator();
    const fractions: number[] = [];
    await climbed(
      { ...slope, generator },
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
    expect(generator.batches).toEqual([2, 2, 2, 2, 2, 2]); // 6 looks, 5 steps
    expect(fractions).toEqual([1, 2, 3, 4, 5, 6].map((k) => k / 6));
  });

  it('gives the same images whatever the batch', async () => {
    const totals = (batch: number) =>
      climbed(slopeOf([1, 2, 3]), { batch }, (rows) => rows.map(({ trace }) => trace.map(([total]) => total!)));
    const [together, apart] = [await totals(8), await totals(2)];
    for (const [i, row] of together.entries())
      for (const [k, total] of row.entries()) expect(total).toBeCloseTo(apart[i]![k]!, 6);
  });

  it('keeps the earlier of equals, and the best even where the climb goes past it', async () => {
    const level: Reward = turning(2, (scores) =>
      tidy(() => add(mul(scores, 1e-9), fill(scores.shape, 0.75) as Tensor1D)),
    );
    await climbed(slopeOf([1], { rewards: [level] }), {}, ([row]) => {
      expect(row!.trace.slice(2).map(([total]) => total)).toEqual([0.75, 0.75, 0.75, 0.75]);
      expect(row!.best.evaluation).toBe(2);
    });
    const downhill = turning(3, (scores) => neg(scores));
    await climbed(slopeOf([1], { rewards: [downhill] }), {}, ([row]) => {
      expect(row!.best.evaluation).toBe(2);
      expect(row!.trace[5]![0]).toBeLessThan(0);
    });
  });

  it('stops an image whose reward is no number, keeps its best, says so, and climbs on with the others', async () => {
    const broken: Reward = turning(3, (scores) => mul(scores, [Number.NaN, 1]) as Tensor1D);
    await climbed(slopeOf([1, 2], { rewards: [broken] }), {}, async ([first, second]) => {
      expect(first!.trace).toHaveLength(3);
      expect(second!.trace).toHaveLength(6);
      expect(first!.remarks).toEqual([
        'The image of "p", seed 1, stopped at evaluation 4, because the reward "turning" is NaN; its best so far is kept, of evaluation 3.',
      ]);
      expect(second!.remarks).toEqual([]);
      expect((await first!.best.pixels.data()).every(Number.isFinite)).toBe(true);
    });
    const always = turning(0, (scores) => mul(scores, Number.NaN));
    await expect(climbed(slopeOf([1], { rewards: [always] }), {}, quiet)).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringContaining('the reward "turning" is NaN at the first evaluation'),
    });
  });

  it('refuses rewards that do not depend on the noise', async () => {
    const constant = (scores: Tensor1D) => fill(scores.shape, 3) as Tensor1D;
    const flat = (scores: Tensor1D) => tidy(() => add(mul(scores, 0), 3) as Tensor1D);
    for (const after of [constant, flat])
      await expect(climbed(slopeOf([1], { rewards: [turning(0, after)] }), {}, quiet)).rejects.toMatchObject({
        code: 'NO_GRADIENT',
      });
  });

  it('leaves nothing behind where a reward throws in the middle of a gradient', async () => {
    const throwing = turning(1, () => {
      throw new Error('no such image');
    });
    const rewards = [brightness, throwing];
    await expect(climbed(slopeOf([1], { rewards }), {}, quiet)).rejects.toThrow('no such image');
    const slope = slopeOf([1], { rewards: [turning(0, (scores) => scores)] });
    await climbed(slope, {}, ([row]) => expect(row!.best.evaluation).toBe(5));
  });

  it('says when the watched reward falls while the optimised one rises, and stops there if asked to', async () => {
    const dark: Reward = {
      ...brightness,
      name: 'darkness',
      score: (pixels) => tidy(() => neg(brightness.score(pixels, []))),
    };
    const watched = turning(3, (scores) => tidy(() => neg(scores)));
    await climbed(slopeOf([1], { watched: [watched] }), { evaluations: 9 }, ([row]) => {
      expect(row!.trace).toHaveLength(9);
      expect(row!.remarks).toEqual([expect.stringMatching(/from evaluation 3 to 6 .* rose .* \(turning\) fell/)]);
      expect(row!.trace.map(([, , score]) => Math.sign(score!))).toEqual([1, 1, 1, -1, -1, -1, -1, -1, -1]);
    });
    const stop = { patience: 3, stop: true };
    await climbed(slopeOf([1], { watched: [dark] }), { evaluations: 9, watch: stop }, ([row]) => {
      expect(row!.trace).toHaveLength(4);
      expect(row!.best.evaluation).toBe(0);
      expect(row!.remarks).toHaveLength(2);
      expect(row!.remarks[1]).toContain('kept, of evaluation 1');
    });
  });

  it('frees everything where it is cancelled in mid-climb', async () => {
    const stop: Parameters<typeof climbNoise>[2] = async ({ fraction }) => {
      if (fraction > 0.6) throw new Error('cancelled');
    };
    const slope = slopeOf([1, 2, 3], { watched: [brightness] });
    await expect(climbed(slope, { batch: 2 }, quiet, stop)).rejects.toThrow('cancelled');
  });

  it('keeps the noise at its length where asked to', async () => {
    await climbed(slopeOf([1]), { projectRadius: true }, ([row]) => {
      for (const [, , length] of row!.trace.slice(1)) expect(length).toBeCloseTo(Math.sqrt(size), 4);
    });
  });

  it('climbs with Adam and L-BFGS too, each look counted', async () => {
    const routes: (() => ReturnType<NoiseClimbSettings['route']>)[] = [
      () => stepping(adam({ learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-2 }), 0),
      () => searching({ history: 3, firstStep: 1 }),
    ];
    for (const route of routes) {
      const generator = stripeGenerator();
      await climbed({ ...slopeOf([1, 2]), generator }, { route, evaluations: 12 }, (rows) => {
        for (const { first, best } of rows) expect(best.total).toBeGreaterThan(first.total + 0.3);
      });
      expect(generator.batches).toHaveLength(12);
    }
  });

  it('goes uphill by the gradient of the decoder alone', async () => {
    await climbed(slopeOf([1]), { gradient: 'decoder only', regularisation: 0 }, ([row]) => {
      expect(row!.best.evaluation).toBe(5);
      expect(row!.best.total).toBeGreaterThan(row!.first.total);
    });
  });

  it('knows what memory an image takes', async () => {
    const slope = slopeOf([1, 2, 3]);
    const bytes = await bytesOfImage(slope, 'exact');
    slope.request.noise.latents.dispose();
    expect(bytes).toBeGreaterThan(size * 4 * 4); // noise, two steps and the image, at least
    expect(bytes).toBeLessThan(size * 4 * 100);
  });
});
