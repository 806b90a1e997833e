import { beforeAll, describe, expect, it } from 'vitest';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import { type DenoiseHooks, type DenoisingModel, denoise } from '../../../../nodes/ml/diffusion/denoise.ts';
import { schedulerConfig, schedulerNames } from '../../../../nodes/ml/diffusion/schedulers.ts';
import { latentNoise } from '../../../../nodes/ml/random.ts';
import { add, clone, dispose, div, mul, sub, type Tensor4D, tanh, tidy } from '../../../../nodes/ml/tf.ts';
import type { SampleStep } from '../../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

const base = { _class_name: 'DDIMScheduler', beta_schedule: 'scaled_linear', clip_sample: false };
const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
const schedulerOf = (name: string) => createScheduler(schedulerConfig(name === 'flow-euler' ? flow : base, name));
const bent: DenoisingModel = { predict: (latents) => tidy(() => mul(tanh(latents), 0.7)) };
const seeds = [3];
/** Samplers that need the steps before. */
const fromTheFirst = ['pndm', 'dpm-v3', 'unipc', 'unipc-bh2', 'unipc-karras'];
const others = schedulerNames.filter((name) => !fromTheFirst.includes(name));

describe('a run that begins on the way', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  function run(name: string, latents: Tensor4D, hooks: DenoiseHooks, see: (step: SampleStep) => void = () => {}) {
    const scheduler = schedulerOf(name);
    const steps = denoise(bent, scheduler, scheduler.plan(6), { latents, seeds }, { choosesRows: true, ...hooks });
    let step = steps.next();
    for (; !step.done; step = steps.next()) see(step.value);
    const values = [...step.value.dataSync()];
    step.value.dispose();
    return values;
  }

  it.each(['ddim', 'euler', 'heun', 'dpm2', 'flow-euler'])(
    'goes on as a whole run does from the same latents: %s',
    (name) => {
      const noise = latentNoise(seeds, [2, 2, 4]);
      let [clean, implied]: (Tensor4D | undefined)[] = [];
      let left = 0;
      const whole = run(name, noise, {}, ({ step, steps, latents, estimate, level }) => {
        if (step !== 5) return; // the first call of a step also where one has two
        left = steps - step + 1;
        clean = clone(estimate);
        implied = tidy(() => div(sub(latents, mul(estimate, level!.signal)), level!.noise) as Tensor4D);
      });
      const seen: number[] = [];
      const rest = run(name, implied!, { begin: { latents: clean!, steps: left } }, ({ step }) => seen.push(step));
      expect(seen[0]).toBe(5);
      expect(seen).toHaveLength(left);
      rest.forEach((value, i) => {
        expect(value).toBeCloseTo(whole[i]!, 4);
      });
      dispose([noise, clean!, implied!]);
    },
  );

  it.each(others)('begins near the step that is asked for: %s', (name) => {
    const [clean, noise] = [latentNoise([1], [2, 2, 4]), latentNoise(seeds, [2, 2, 4])];
    for (const left of [1, 3, 60]) {
      const seen: number[] = [];
      const values = run(name, noise, { begin: { latents: clean, steps: left } }, ({ step, latents, level }) => {
        if (seen.push(step) > 1) return;
        const expected = tidy(() => add(mul(clean, level!.signal), mul(noise, level!.noise)));
        expect([...latents.dataSync()]).toEqual([...expected.dataSync()]);
        expected.dispose();
      });
      expect(values.every(Number.isFinite)).toBe(true);
      expect(Math.abs(seen.length - left)).toBeLessThan(left === 60 ? 60 : 2);
    }
    dispose([clean, noise]);
  });

  it.each(fromTheFirst)('is refused where the sampler needs the steps before: %s', (name) => {
    const [clean, noise] = [latentNoise([1], [2, 2, 4]), latentNoise(seeds, [2, 2, 4])];
    expect(() => run(name, noise, { begin: { latents: clean, steps: 2 } })).toThrow('only run from its first step');
    dispose([clean, noise]);
  });
});
