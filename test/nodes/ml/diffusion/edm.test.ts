import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import { cleanOfEdm, edmInputScale, edmSigmas, readEdmSettings } from '../../../../nodes/ml/diffusion/edm.ts';
import { kSamplers } from '../../../../nodes/ml/diffusion/kSamplers.ts';
import { schedulerConfig } from '../../../../nodes/ml/diffusion/schedulers.ts';
import { scheduleNames } from '../../../../nodes/ml/diffusion/schedules.ts';
import { cosxlScheduler, playgroundScheduler } from '../../../../nodes/ml/models/load/edmMarkers.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const bases = { playground: playgroundScheduler, cosxl: cosxlScheduler };
const point = [0.7, -1.3, 0.2, 0.4];

/** What a perfect network of one point answers, whatever it is given. */
function answerFor(base: typeof playgroundScheduler, sigma: number, x: tf.Tensor): tf.Tensor {
  const settings = readEdmSettings(base);
  const scale = edmInputScale(settings, sigma);
  const sign = settings.prediction_type === 'v_prediction' ? -1 : 1;
  const skipped = tf.mul(x, (settings.sigma_data * scale) ** 2);
  return tf.div(tf.sub(tf.tensor(point), skipped), sign * sigma * settings.sigma_data * scale);
}

function run(base: typeof playgroundScheduler, name: string, schedule: string, steps: number): number[] {
  return tf.tidy(() => {
    const scheduler = createScheduler(schedulerConfig(base, name, schedule));
    const plan = scheduler.plan(steps);
    let x: tf.Tensor = tf.mul(tf.tensor([0.3, -1, 2, 0.5]), plan.initNoiseSigma);
    let state: tf.Tensor[] = [];
    for (const [i, timestep] of plan.timesteps.entries()) {
      const sigma = Math.exp(4 * timestep);
      const settings = readEdmSettings(base);
      const scale = edmInputScale(settings, sigma);
      const seen = scheduler.scaleInput(plan, i, x).dataSync();
      for (const [k, value] of x.dataSync().entries()) expect(seen[k]).toBeCloseTo(value * scale, 3);
      const modelOutput = answerFor(base, sigma, x);
      const noise = tf.randomNormal([4], 0, 1, 'float32', i);
      ({ x, state } = scheduler.step(plan, i, { x, modelOutput, state, noise }));
    }
    return [...x.dataSync()];
  });
}

describe.each(Object.entries(bases))('%s', (_, base) => {
  it.each(['model', ...Object.keys(kSamplers)])('%s lands on the point that a perfect model sees', (name) => {
    for (const schedule of ['model', 'karras', 'sgm-uniform', 'beta'])
      for (const [k, value] of run(base, name, schedule, 9).entries()) expect(value).toBeCloseTo(point[k]!, 2);
  });

  it('starts from noise of sqrt(sigma_max^2 + 1) and tells the model a quarter of ln sigma', () => {
    for (const name of ['model', 'euler', 'heun', 'dpm++2m-karras']) {
      const plan = createScheduler(schedulerConfig(base, name)).plan(6);
      const largest = base.sigma_max as number;
      expect(plan.initNoiseSigma).toBeCloseTo(Math.hypot(largest, 1), 3);
      expect(plan.timesteps[0]).toBeCloseTo(0.25 * Math.log(largest), 5);
      expect(plan.timesteps.at(-1)).toBeCloseTo(0.25 * Math.log(0.002), 5);
    }
  });

  it.each(['pndm', 'flow-euler'])('refuses %s, which runs over timesteps', (name) => {
    expect(() => schedulerConfig(base, name)).toThrow(/trained on EDM's noise levels/);
  });

  it('refuses lists of levels of other models, takes all others, and no stated timesteps', () => {
    for (const schedule of scheduleNames) {
      const draw = () => createScheduler(schedulerConfig(base, 'euler', schedule)).plan(7);
      if (/\bays\b/.test(schedule)) expect(draw).toThrow(/list of noise levels for Stable Diffusion 1 or XL/);
      else expect(draw().timesteps.length).toBeGreaterThan(5);
    }
    for (const name of ['model', 'euler', 'dpm++2m'])
      expect(() => createScheduler(schedulerConfig(base, name)).plan(1, { timesteps: [999] })).toThrow(/timesteps 999/);
  });
});

it('takes Karras Euler by name as by class', () => {
  const named = createScheduler(schedulerConfig(playgroundScheduler, 'euler')).plan(5);
  const own = createScheduler({ ...playgroundScheduler, _class_name: 'EDMEulerScheduler' }).plan(5);
  expect(named).toEqual(own);
});

it('is the published preconditioning: the network sees unit variance, and answers it', () => {
  const settings = fc.record({
    sigma_data: fc.double({ min: 0.1, max: 2, noNaN: true }),
    sigma: fc.double({ min: 0.01, max: 100, noNaN: true }),
  });
  fc.assert(
    fc.property(settings, ({ sigma_data, sigma }) => {
      const edm = readEdmSettings({ _class_name: 'EDMEulerScheduler', sigma_data });
      expect(edmInputScale(edm, sigma) * Math.hypot(sigma, sigma_data)).toBeCloseTo(1, 6);
      // Of clean latents of deviation sigma_data, c_skip x is the best linear estimate, and F the rest at unit variance.
      const [ofX, ofF] = tf.tidy(() => {
        const at = (x: number, f: number) => cleanOfEdm(edm, sigma, tf.scalar(x), tf.scalar(f)).dataSync()[0]!;
        return [at(1, 0), at(0, 1)];
      });
      const rest = sigma_data ** 2 * (1 - ofX) ** 2 + (ofX * sigma) ** 2;
      expect(ofX).toBeCloseTo(sigma_data ** 2 / (sigma ** 2 + sigma_data ** 2), 5);
      expect(ofF ** 2 / rest).toBeCloseTo(1, 3);
    }),
    { seed: 3, numRuns: 40 },
  );
});

it('takes one step from the largest level, whatever the schedule', () => {
  for (const sigma_schedule of ['karras', 'exponential'])
    expect(edmSigmas(readEdmSettings({ _class_name: 'EDMEulerScheduler', sigma_schedule }), 1)).toEqual([80]);
});

it.each([
  [{ sigma_min: 0 }, /sigma_min 0/],
  [{ sigma_max: 0.001 }, /sigma_max 0.001/],
  [{ sigma_data: -1 }, /sigma_data -1/],
  [{ rho: 0 }, /rho 0/],
  [{ sigma_max: '80' }, /sigma_max is "80"/],
  [{ sigma_schedule: 'linear' }, /sigma_schedule = "linear"/],
  [{ prediction_type: 'sample' }, /prediction_type = "sample"/],
])('refuses %o', (changes, message) => {
  for (const _class_name of ['EDMEulerScheduler', 'EDMDPMSolverMultistepScheduler'])
    expect(() => createScheduler({ _class_name, ...changes })).toThrow(message);
});
