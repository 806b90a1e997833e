import { beforeAll, describe, expect, it } from 'vitest';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import { kSamplers } from '../../../../nodes/ml/diffusion/kSamplers.ts';
import { schedulerConfig } from '../../../../nodes/ml/diffusion/schedulers.ts';
import { scheduleNames } from '../../../../nodes/ml/diffusion/schedules.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { runSampler } from '../../../../nodes/ml/verify/runSampler.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

const sd15 = {
  ...{ _class_name: 'PNDMScheduler', beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' },
  ...{ prediction_type: 'sample', timestep_spacing: 'leading', steps_offset: 1 },
};
const names = Object.keys(kSamplers);
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
};

/** A clean estimate that is not linear in x, in the model's scale. */
const model = (scaled: tf.Tensor): tf.Tensor => tf.mul(tf.sigmoid(tf.mul(scaled, 2)), 1.5);

/** A run as `denoise` makes it: the k-th draw of noise is `draws[k]`. */
function runSteps(name: string, schedule: string, start: tf.Tensor, draws: tf.Tensor): tf.Tensor {
  const scheduler = createScheduler(schedulerConfig(sd15, name, schedule));
  const plan = scheduler.plan(4);
  let [x, state]: [tf.Tensor, tf.Tensor[]] = [tf.mul(start, plan.initNoiseSigma), []];
  let drawn = 0;
  for (const i of plan.timesteps.keys()) {
    const noise = scheduler.needsNoise(plan, i) ? { noise: tf.gather(draws, drawn++) } : {};
    const modelOutput = model(scheduler.scaleInput(plan, i, x));
    ({ x, state } = scheduler.step(plan, i, { x, modelOutput, state, ...noise }));
  }
  return x;
}

describe('kScheduler', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it.each(names)('runs %s call by call as a whole', (name) => {
    tf.tidy(() => {
      const [start, draws] = [
        tf.randomNormal([2, 3], 0, 1, 'float32', 1),
        tf.randomNormal([12, 2, 3], 0, 1, 'float32', 2),
      ];
      const { sigmas = [], initNoiseSigma } = createScheduler(schedulerConfig(sd15, name, 'karras')).plan(4);
      const denoise = (x: tf.Tensor, at: number) => model(tf.div(x, Math.sqrt(at ** 2 + 1)));
      const { result, asked } = runSampler(
        kSamplers[name]!,
        sigmas,
        tf.mul(start, initNoiseSigma),
        denoise,
        correlated(name, sigmas, draws),
      );
      expect(asked.length > 0).toBe(/ancestral|sde|ddpm|lcm/.test(name));
      const [got, wanted] = [runSteps(name, 'karras', start, draws).dataSync(), result.dataSync()];
      for (const [i, value] of wanted.entries()) expect(got[i]).toBeCloseTo(value, 4);
    });
  });

  it.each(names)('lets a gradient through %s', (name) => {
    tf.tidy(() => {
      const start = tf.tensor([0.3, -0.4, 1.1]);
      const draws = tf.randomNormal([12, 3], 0, 1, 'float32', 3);
      const loss = (x: tf.Tensor) => tf.sum(tf.square(runSteps(name, 'karras', x, draws))) as tf.Scalar;
      const gradient = tf.grad(loss)(start).dataSync();
      const step = 1e-2;
      for (let i = 0; i < 3; i++) {
        const moved = (by: number) =>
          loss(tf.tensor([0.3, -0.4, 1.1].map((value, k) => (k === i ? value + by : value)))).dataSync()[0]!;
        expect(gradient[i]).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 1);
      }
    });
  });

  it.each(scheduleNames)('falls over %s', (schedule) => {
    for (const name of ['euler', 'dpm2']) {
      const { sigmas = [], timesteps } = createScheduler(schedulerConfig(sd15, name, schedule)).plan(7);
      for (const [i, level] of sigmas.slice(1).entries()) expect(level).toBeLessThan(sigmas[i]!);
      expect(timesteps.every((timestep) => Number.isInteger(timestep) && timestep >= 0 && timestep < 1000)).toBe(true);
    }
  });

  it("runs over the model's own schedule with its timesteps", () => {
    const own = createScheduler(schedulerConfig(sd15, 'euler')).plan(5);
    const { timesteps, sigmas } = createScheduler(schedulerConfig(sd15, 'heun')).plan(5);
    expect(sigmas).toEqual(own.sigmas);
    expect(timesteps).toHaveLength(9);
    expect(timesteps.filter((_, i) => i % 2 === 0)).toEqual(own.timesteps);
  });

  it('refuses what cannot be run', () => {
    const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
    expect(codeOf(() => schedulerConfig(sd15, 'model', 'karras'))).toBe('UNSUPPORTED'); // PLMS
    expect(codeOf(() => schedulerConfig(flow, 'euler', 'karras'))).toBe('UNSUPPORTED');
    expect(codeOf(() => schedulerConfig(flow, 'heun'))).toBe('UNSUPPORTED');
    expect(schedulerConfig({ ...sd15, _class_name: 'DDIMScheduler' }, 'model', 'beta')).toMatchObject({
      sampler: 'ddim',
    });
    for (const strange of [
      { sampler: 'toString', schedule: 'karras' },
      { sampler: 'euler', schedule: 'toString' },
    ])
      expect(codeOf(() => createScheduler({ ...sd15, _class_name: 'KSampler', ...strange }))).toBe('UNSUPPORTED');
    expect(codeOf(() => createScheduler(schedulerConfig(sd15, 'euler', 'kl-optimal')).plan(1))).toBe('BAD_STEPS');
    expect(codeOf(() => createScheduler(schedulerConfig(sd15, 'dpm2', 'simple')).plan(1000))).toBe('BAD_STEPS');
  });
});

/** Draws of dpm++sde overlap by half of the step: the second of each goes on from the first. */
function correlated(name: string, sigmas: readonly number[], draws: tf.Tensor): tf.Tensor {
  if (name !== 'dpm++sde') return draws;
  const rows = tf.unstack(draws);
  return tf.stack(
    rows.map((row, k) => {
      if (k % 2 === 0) return row;
      const [from, to] = [sigmas[(k - 1) / 2]!, sigmas[(k + 1) / 2] ?? 0];
      const part = (from - Math.sqrt(from * to)) / (from - to);
      return Number.isFinite(part)
        ? tf.add(tf.mul(rows[k - 1]!, Math.sqrt(part)), tf.mul(row, Math.sqrt(1 - part)))
        : row;
    }),
  );
}
