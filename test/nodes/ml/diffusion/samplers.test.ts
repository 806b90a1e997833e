import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import { alphasCumprod } from '../../../../nodes/ml/diffusion/noiseSchedule.ts';
import type { Plan, Scheduler, SchedulerConfig } from '../../../../nodes/ml/diffusion/scheduler.ts';
import { trainedDefaults } from '../../../../nodes/ml/diffusion/settings.ts';
import { randomStream } from '../../../../nodes/ml/random.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(openTestDevice);
guardLeaks();

const betas = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
const exact = { ...betas, clip_sample: false, set_alpha_to_one: true };
const configs: Record<string, SchedulerConfig> = {
  euler: { _class_name: 'EulerDiscreteScheduler', ...exact },
  'euler karras': { _class_name: 'EulerDiscreteScheduler', ...exact, use_karras_sigmas: true },
  'euler ancestral': { _class_name: 'EulerAncestralDiscreteScheduler', ...exact },
  ddim: { _class_name: 'DDIMScheduler', ...exact },
  ddpm: { _class_name: 'DDPMScheduler', ...exact },
  lcm: { _class_name: 'LCMScheduler', ...exact },
  'pndm multistep': { _class_name: 'PNDMScheduler', ...exact, skip_prk_steps: true },
  'dpm++ 2m': { _class_name: 'DPMSolverMultistepScheduler', ...exact },
  'dpm++ 3m heun': { _class_name: 'DPMSolverMultistepScheduler', ...exact, solver_order: 3, solver_type: 'heun' },
  'dpm++ 2m sde': { _class_name: 'DPMSolverMultistepScheduler', ...exact, algorithm_type: 'sde-dpmsolver++' },
  unipc: { _class_name: 'UniPCMultistepScheduler', ...exact },
  'unipc 3 bh1': { _class_name: 'UniPCMultistepScheduler', ...exact, solver_order: 3, solver_type: 'bh1' },
  'flow euler': { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 },
};
const names = Object.keys(configs);
const schedulerOf = (name: string, more: SchedulerConfig = {}) => createScheduler({ ...configs[name], ...more });

const alphaBars = alphasCumprod({ ...trainedDefaults, ...betas });

/** Where step i stands: x = alpha * clean + sigma * noise, in the sampler's own scale. */
function placeOf(name: string, plan: Plan, i: number): { alpha: number; sigma: number } {
  const [level, a] = [plan.sigmas?.[i] ?? 0, alphaBars[plan.timesteps[i] ?? 0] ?? 0];
  if (name.startsWith('euler')) return { alpha: 1, sigma: level };
  if (name.startsWith('flow')) return { alpha: 1 - level, sigma: level };
  if (plan.sigmas === undefined) return { alpha: Math.sqrt(a), sigma: Math.sqrt(1 - a) };
  return { alpha: 1 / Math.sqrt(level ** 2 + 1), sigma: level / Math.sqrt(level ** 2 + 1) };
}

type Model = (x: tf.Tensor, scaled: tf.Tensor, i: number) => tf.Tensor;

/** Runs all steps on noise of the given seed; everything but the result is freed. */
function sample(scheduler: Scheduler, plan: Plan, x0: tf.Tensor, model: Model, seed = 1): tf.Tensor {
  const random = randomStream(seed);
  return tf.tidy(() => {
    let x = x0;
    let state: tf.Tensor[] = [];
    for (const i of plan.timesteps.keys()) {
      const modelOutput = model(x, scheduler.scaleInput(plan, i, x), i);
      const noise = tf.tensor(Float32Array.from({ length: x.size }, random.normal), x.shape);
      ({ x, state } = scheduler.step(plan, i, { x, modelOutput, state, noise }));
    }
    return x;
  });
}

describe('a perfect model of one point', () => {
  const point = [0.7, -1.3, 0.2, 2.1];
  it.each(
    names.flatMap((name) =>
      (name === 'flow euler' ? ['flow'] : ['epsilon', 'v_prediction', 'sample'])
        .filter((kind) => name !== 'pndm multistep' || kind === 'epsilon')
        .map((kind) => [name, kind] as const),
    ),
  )('%s with %s prediction lands on it', (name, kind) => {
    const scheduler = schedulerOf(name, kind === 'flow' ? {} : { prediction_type: kind });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.nat(1000), (steps, seed) => {
        tf.tidy(() => {
          const clean = tf.tensor(point);
          const plan = scheduler.plan(steps, { eta: 0.5 });
          const first = Array.from({ length: 4 }, randomStream(seed + 7).normal);
          const noise = tf.mul(tf.tensor(first), plan.initNoiseSigma);
          const perfect: Model = (x, _scaled, i) => {
            const { alpha, sigma } = placeOf(name, plan, i);
            const epsilon = tf.div(tf.sub(x, tf.mul(clean, alpha)), sigma);
            if (kind === 'sample') return clean;
            if (kind === 'flow') return tf.sub(epsilon, clean);
            if (kind === 'epsilon') return epsilon;
            const size = Math.hypot(alpha, sigma); // v is of the variance preserving form
            return tf.sub(tf.mul(epsilon, alpha / size), tf.mul(clean, sigma / size));
          };
          const result = sample(scheduler, plan, noise, perfect, seed).dataSync();
          for (const [k, value] of point.entries()) expect(Math.abs((result[k] ?? 0) - value)).toBeLessThan(2e-3);
        });
      }),
      { seed: 5, numRuns: 8 },
    );
  });
});

it('DDIM on Gaussian data follows its closed form, which tends to the exact transport', () => {
  const [mean, deviation] = [0.4, 0.5];
  const scheduler = schedulerOf('ddim');
  const start = 1.7;
  const run = (steps: number) => {
    const plan = scheduler.plan(steps);
    let factor = 1;
    for (const i of plan.timesteps.keys()) {
      const { alpha, sigma } = placeOf('ddim', plan, i);
      const next = (plan.timesteps[i] ?? 0) - Math.floor(1000 / steps);
      const a = next >= 0 ? (alphaBars[next] ?? 0) : 1;
      factor *=
        (Math.sqrt(a) * alpha * deviation ** 2 + Math.sqrt(1 - a) * sigma) / ((alpha * deviation) ** 2 + sigma ** 2);
    }
    const model: Model = (x, _scaled, i) => {
      const { alpha, sigma } = placeOf('ddim', plan, i);
      return tf.mul(tf.sub(x, alpha * mean), sigma / ((alpha * deviation) ** 2 + sigma ** 2));
    };
    const { alpha } = placeOf('ddim', plan, 0);
    const result = tf.tidy(() => sample(scheduler, plan, tf.tensor([start]), model).dataSync()[0]);
    return {
      result,
      expected: mean + factor * (start - alpha * mean),
      exact: mean + deviation * (start - alpha * mean),
    };
  };
  for (const steps of [1, 2, 5, 10, 50]) {
    const { result, expected } = run(steps);
    expect(result).toBeCloseTo(expected, 4);
  }
  const { result, exact: limit } = run(500);
  expect(Math.abs((result ?? 0) - limit)).toBeLessThan(0.01);
});

describe('three steps', () => {
  const model: Model = (_x, scaled) => tf.add(tf.mul(scaled, 0.4), tf.mul(tf.sin(scaled), 0.3));

  it.each(names)('of %s have the gradient that finite differences show', (name) => {
    const scheduler = schedulerOf(name);
    const plan = scheduler.plan(3, { eta: 0.3 });
    tf.tidy(() => {
      const random = randomStream(9);
      const draw = () => tf.tensor(Float32Array.from({ length: 6 }, random.normal), [1, 2, 3, 1]);
      const [x, direction, weights] = [draw(), draw(), draw()];
      const loss = (value: tf.Tensor): tf.Scalar => tf.sum(tf.mul(sample(scheduler, plan, value, model), weights));
      const slope = tf.sum(tf.mul(tf.grad(loss)(x), direction)).dataSync()[0] ?? 0;
      const at = (h: number) => loss(tf.add(x, tf.mul(direction, h))).dataSync()[0] ?? 0;
      const difference = (at(0.02) - at(-0.02)) / 0.04;
      expect(Math.abs(slope)).toBeGreaterThan(1e-3);
      expect(Math.abs(slope - difference)).toBeLessThan(0.01 * Math.abs(difference) + 1e-3);
    });
  });

  it.each(names)('of %s treat images of a batch alike, at any rank', (name) => {
    const scheduler = schedulerOf(name);
    const plan = scheduler.plan(3);
    tf.tidy(() => {
      const still: Model = (x, scaled) => tf.mul(model(x, scaled, 0), 0.9);
      const flat = tf.linspace(-1, 2, 6);
      const batch = sample({ ...scheduler, needsNoise: () => false }, plan, tf.reshape(flat, [2, 1, 3]), still);
      const alone = sample(scheduler, plan, flat, still);
      expect(batch.shape).toEqual([2, 1, 3]);
      expect(batch.dataSync()).toEqual(alone.dataSync());
    });
  });
});

describe('ownership', () => {
  it.each([...names, 'pndm runge-kutta'])('%s returns new tensors only and keeps none', (name) => {
    const scheduler =
      name === 'pndm runge-kutta' ? createScheduler({ _class_name: 'PNDMScheduler', ...exact }) : schedulerOf(name);
    const plan = scheduler.plan(6, { eta: 1 });
    let x: tf.Tensor = tf.tensor([1, -0.5]);
    let state: tf.Tensor[] = [];
    for (const i of plan.timesteps.keys()) {
      const [modelOutput, noise] = [tf.tensor([0.3, 0.1]), tf.tensor([0.2, -0.1])];
      const before = tf.memory().numTensors;
      const output = scheduler.step(plan, i, { x, modelOutput, state, noise });
      const returned = new Set([output.x, output.estimate, ...output.state]);
      expect(returned.size).toBe(2 + output.state.length);
      expect(tf.memory().numTensors - before).toBe(returned.size);
      tf.dispose([x, modelOutput, noise, output.estimate, ...state]);
      ({ x, state } = output);
    }
    expect([...x.dataSync()].every(Number.isFinite)).toBe(true);
    tf.dispose([x, ...state]);
  });

  it('a step is a handful of ops', async () => {
    const most: Record<string, number> = { euler: 6, ddim: 6, 'dpm++ 2m': 10, unipc: 16 };
    for (const [name, limit] of Object.entries(most)) {
      const scheduler = schedulerOf(name);
      const plan = scheduler.plan(4);
      const [x, modelOutput] = [tf.tensor([1]), tf.tensor([0.5])];
      const first = scheduler.step(plan, 0, { x, modelOutput, state: [] });
      const profile = await tf.profile(() => {
        const second = scheduler.step(plan, 1, { x: first.x, modelOutput, state: first.state });
        tf.dispose([second.x, second.estimate, ...second.state]);
        return second.x;
      });
      tf.dispose([x, modelOutput, first.x, first.estimate, ...first.state]);
      expect(profile.kernels.length, name).toBeLessThanOrEqual(limit);
    }
  });
});

it('zero terminal SNR starts from pure noise: finite for v prediction, refused for epsilon', () => {
  const zeroSnr = { ...exact, rescale_betas_zero_snr: true, timestep_spacing: 'trailing' };
  const classes = ['EulerDiscreteScheduler', 'EulerAncestralDiscreteScheduler', 'DDIMScheduler', 'DDPMScheduler'];
  classes.push('LCMScheduler', 'DPMSolverMultistepScheduler', 'UniPCMultistepScheduler');
  for (const _class_name of classes) {
    const scheduler = createScheduler({ _class_name, ...zeroSnr, prediction_type: 'v_prediction' });
    const plan = scheduler.plan(4);
    tf.tidy(() => {
      const x = tf.mul(tf.tensor([1, -2]), plan.initNoiseSigma);
      const result = sample(scheduler, plan, x, (_x, scaled) => tf.mul(scaled, 0.5)).dataSync();
      expect(
        [...result].every((value) => Math.abs(value) < 50),
        _class_name,
      ).toBe(true);
    });
  }
  const scheduler = createScheduler({ _class_name: 'DDIMScheduler', ...zeroSnr });
  tf.tidy(() => {
    const x = tf.tensor([1]);
    expect(() => scheduler.step(scheduler.plan(2), 0, { x, modelOutput: x, state: [] })).toThrow(/pure noise/);
  });
});
