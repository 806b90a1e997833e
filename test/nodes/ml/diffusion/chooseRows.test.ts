import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import { type DenoisingModel, denoise } from '../../../../nodes/ml/diffusion/denoise.ts';
import { schedulerConfig, schedulerNames } from '../../../../nodes/ml/diffusion/schedulers.ts';
import { copySeed, noiseStreams, startNoise } from '../../../../nodes/ml/noiseStream.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import { gather, mul, type Tensor4D, tanh, tidy } from '../../../../nodes/ml/tf.ts';
import type { Noise } from '../../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

const base = { _class_name: 'DDIMScheduler', beta_schedule: 'scaled_linear', clip_sample: false };
const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
const STEPS = 5;
const shape = [2, 2, 4] as const;
/** A model that bends what it sees, so that no solver is exact. */
const bent: DenoisingModel = { predict: (latents) => tidy(() => mul(tanh(latents), 0.7)) };

/** All samplers by name, as they sample a model that can take them; ddim with fresh noise too. */
const samplers = [
  ...schedulerNames.map((name) => ({ name, eta: 0 })),
  { name: 'ddim', eta: 1 },
  { name: 'unipc', eta: 0, schedule: 'karras' },
];
const schedulerOf = ({ name, schedule }: { name: string; schedule?: string }) =>
  createScheduler(schedulerConfig(name === 'flow-euler' ? flow : base, name, schedule));
const stochastic = ['ddpm', 'lcm', 'euler-ancestral', 'dpm2-ancestral', 'dpm++2s-ancestral', 'dpm++sde', 'dpm++3m-sde'];

describe('choosing rows while denoising', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  type Choose = (index: number) => readonly number[] | undefined;
  interface Run {
    readonly name: string;
    readonly eta: number;
    readonly schedule?: string;
  }

  /** The values of each row of the result. Without `choose`, as it always ran. */
  function run(sampler: Run, noise: Noise, choose?: Choose, model = bent): number[][] {
    const scheduler = schedulerOf(sampler);
    const plan = scheduler.plan(STEPS, { eta: sampler.eta });
    const steps = denoise(model, scheduler, plan, noise, { choosesRows: choose !== undefined });
    let step = steps.next();
    for (let index = 0; !step.done; index++) step = steps.next(choose?.(index));
    const [rows] = step.value.shape;
    const values = [...step.value.dataSync()];
    step.value.dispose();
    return Array.from({ length: rows }, (_, row) => values.slice(16 * row, 16 * row + 16));
  }
  const noiseOf = (seeds: readonly number[]): Noise => ({ latents: latentNoise(seeds, shape), seeds });
  function withNoise<Result>(noise: Noise, use: (noise: Noise) => Result): Result {
    try {
      return use(noise);
    } finally {
      noise.latents.dispose();
    }
  }

  it.each(samplers)('changes no bit where all rows go on: $name, eta $eta', (sampler) => {
    const plain = withNoise(noiseOf([3, 4]), (noise) => run(sampler, noise));
    expect(withNoise(noiseOf([3, 4]), (noise) => run(sampler, noise, () => undefined))).toEqual(plain);
    expect(withNoise(noiseOf([3, 4]), (noise) => run(sampler, noise, () => [0, 1]))).toEqual(plain);
  });

  it.each(samplers)('takes latents, states and noise of $name, eta $eta, along with the rows', (sampler) => {
    const order = fc.shuffledSubarray([0, 1, 2], { minLength: 1 });
    fc.assert(
      fc.property(fc.nat(STEPS - 1), order, (at, rows) => {
        const seeds = [3, 4, 5];
        const chosen = withNoise(noiseOf(seeds), (noise) =>
          run(sampler, noise, (index) => (index === at ? rows : undefined)),
        );
        expect(chosen).toEqual(withNoise(noiseOf(rows.map((row) => seeds[row]!)), (noise) => run(sampler, noise)));
      }),
      { numRuns: 8, seed: 1 },
    );
  });

  it.each(['comfyui', 'a1111-cpu', 'a1111-gpu'] as const)('takes streams of %s along with the rows', (program) => {
    for (const name of ['euler-ancestral', 'dpm++sde']) {
      const sampler = { name, eta: 0 };
      const streams = noiseStreams(program, 7, 3);
      const noise = (rows: readonly number[]): Noise => {
        const own = rows.map((row) => streams[row]!);
        return { latents: startNoise(own, shape), seeds: rows.map((row) => row), streams: own };
      };
      for (const at of [0, 3]) {
        const rows = [2, 0];
        const chosen = withNoise(noise([0, 1, 2]), (all) => run(sampler, all, (i) => (i === at ? rows : undefined)));
        expect(chosen).toEqual(withNoise(noise(rows), (some) => run(sampler, some)));
      }
      const copies = withNoise(noise([0, 1]), (all) => run(sampler, all, (i) => (i === 2 ? [1, 0, 1, 0] : undefined)));
      const plain = withNoise(noise([0, 1]), (all) => run(sampler, all));
      expect(copies.slice(0, 2)).toEqual([plain[1], plain[0]]);
      expect(new Set(copies.map(String)).size).toBe(4);
      expect(copies.flat().every(Number.isFinite)).toBe(true);
    }
  });

  it.each(stochastic)('gives copies noise of their own and lets the first go on with its stream: %s', (name) => {
    const sampler = { name, eta: 0 };
    const plain = withNoise(noiseOf([3, 4]), (noise) => run(sampler, noise));
    const copied = withNoise(noiseOf([3, 4]), (noise) =>
      run(sampler, noise, (index) => (index === 1 ? [1, 1, 0, 1] : undefined)),
    );
    expect([copied[0], copied[2]]).toEqual([plain[1], plain[0]]);
    expect(new Set(copied.map(String)).size).toBe(4);
  });

  it('draws for a copy what seed, step and number of the copy say, whatever else was chosen', () => {
    const sampler = { name: 'ddim', eta: 1 };
    const two = withNoise(noiseOf([3, 4]), (noise) => run(sampler, noise, (i) => (i === 1 ? [0, 1, 1] : undefined)));
    const one = withNoise(noiseOf([4]), (noise) => run(sampler, noise, (i) => (i === 1 ? [0, 0] : undefined)));
    expect(two[2]).toEqual(one[1]);
    const other = withNoise(noiseOf([4]), (noise) => run(sampler, noise, (i) => (i === 2 ? [0, 0] : undefined)));
    expect(two[2]).not.toEqual(other[1]);
    const seeds = [0, 1, 2].flatMap((step) => [1, 2].map((copy) => copySeed(4, step, copy)));
    expect(new Set(seeds).size).toBe(6);
  });

  it('tells the model which rows of the request go on', () => {
    const seen: (readonly number[] | undefined)[] = [];
    const listening: DenoisingModel = {
      predict(latents, point) {
        seen.push(point.rows);
        return bent.predict(latents, point);
      },
    };
    const choices: Record<number, number[]> = { 1: [2, 0, 2], 2: [1, 2] };
    withNoise(noiseOf([1, 2, 3]), (noise) => run({ name: 'ddpm', eta: 0 }, noise, (i) => choices[i], listening));
    expect(seen).toEqual([undefined, undefined, [2, 0, 2], [0, 2], [0, 2]]);
  });

  it.each(['euler', 'dpm++2m', 'unipc', 'heun'])('refuses copies that would stay equal: %s', (name) => {
    const refused = () => withNoise(noiseOf([3]), (noise) => run({ name, eta: 0 }, noise, () => [0, 0]));
    expect(refused).toThrow('copies of an image would stay equal');
    const stays = withNoise(noiseOf([3, 4]), (noise) => run({ name, eta: 0 }, noise, () => [0]).length);
    expect(stays).toBe(1);
  });

  it('refuses rows that are not there', () => {
    for (const rows of [[], [2], [-1], [0.5]])
      expect(() => withNoise(noiseOf([3, 4]), (noise) => run({ name: 'ddpm', eta: 0 }, noise, () => rows))).toThrow(
        'of 2 were chosen',
      );
  });

  it('yields the latents before the step, and the estimate that the step will give', () => {
    const scheduler = schedulerOf({ name: 'ddim' });
    const plan = scheduler.plan(3, { eta: 1 });
    withNoise(noiseOf([3, 4]), (noise) => {
      const steps = denoise(bent, scheduler, plan, noise, { choosesRows: true });
      const first = steps.next();
      if (first.done) return expect.fail('it ended early');
      const { latents, estimate, copiesPart } = first.value;
      expect(copiesPart).toBe(true);
      expect(latents.dataSync()).toEqual(noise.latents.dataSync());
      const expected = tidy(() => {
        const x: Tensor4D = gather(noise.latents, [0, 1]);
        return scheduler.step(plan, 0, {
          x,
          modelOutput: bent.predict(x, { index: 0, steps: 3, timestep: 0 }),
          state: [],
        }).estimate;
      });
      expect(estimate.dataSync()).toEqual(expected.dataSync());
      expected.dispose();
      steps.return(noise.latents);
    });
  });
});
