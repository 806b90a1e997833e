import { describe, expect, it } from 'vitest';
import { readTimesteps } from '../../../../nodes/generate/shared/readTimesteps.ts';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import { schedulerConfig, schedulerNames } from '../../../../nodes/ml/diffusion/schedulers.ts';

const sdxl = {
  ...{ _class_name: 'EulerDiscreteScheduler', beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' },
  ...{ timestep_spacing: 'leading', steps_offset: 1 },
};
const dmd2 = [999, 749, 499, 249];
const planOf = (name: string, timesteps: readonly number[], schedule = 'model', base = sdxl) =>
  createScheduler(schedulerConfig(base, name, schedule)).plan(timesteps.length, { timesteps });

describe('stated timesteps', () => {
  const spacing = ['ddim', 'dpm-v3', 'pndm', 'unipc', 'unipc-bh2', 'unipc-karras', 'dpm++2m-karras'];
  const able = schedulerNames.filter((name) => !spacing.includes(name) && name !== 'flow-euler');

  it.each(able)('are those at which %s asks', (name) => {
    const asked = planOf(name, dmd2).timesteps;
    expect(asked[0]).toBe(999);
    for (const timestep of dmd2) expect(asked).toContain(timestep);
  });

  it.each(spacing)('are refused by %s, which spaces its steps itself', (name) => {
    expect(() => planOf(name, dmd2)).toThrow(/cannot take the timesteps 999, 749, 499, 249/);
  });

  it('are refused beside a schedule, and where the model respaces its noise levels', () => {
    expect(() => planOf('euler', dmd2, 'karras')).toThrow(/Scheduler euler with schedule karras/);
    const karras = { ...sdxl, use_karras_sigmas: true };
    for (const name of ['euler', 'heun']) expect(() => planOf(name, dmd2, 'model', karras)).toThrow(/cannot take/);
  });

  it.each([
    [[999, 999], /number 2 is 999/],
    [[499, 749], /number 2 is 749/],
    [[1000], /number 1 is 1000/],
    [[500, 1.5], /number 2 is 1.5/],
    [[500, -1], /number 2 is -1/],
  ])('%o are refused, since they do not fall within training', (timesteps, message) => {
    expect(() => planOf('lcm', timesteps)).toThrow(message);
  });
});

describe('a text of timesteps', () => {
  it.each(['999, 749, 499, 249', '999 749 499 249', '[999,749,499,249]', ' 999;749;499;249, '])(
    '%s is read',
    (text) => {
      expect(readTimesteps(text, 0)).toEqual(dmd2);
      expect(readTimesteps(text, 4)).toEqual(dmd2);
    },
  );

  it('may be empty', () => {
    for (const text of ['', '  ', '[]']) expect(readTimesteps(text, 8)).toBeUndefined();
  });

  it.each([
    ['999, x', 0, /such as 999, 749, 499, 249/],
    ['1.5', 0, /whole numbers/],
    ['-1', 0, /whole numbers/],
    [',', 0, /whole numbers/],
    ['999, 749', 8, /2 steps, and steps is 8: set steps to model/],
    ['1 '.repeat(1001), 0, /1001; at most 1000/],
  ])('%s with %i steps is refused', (text, steps, message) => {
    expect(() => readTimesteps(text, steps)).toThrow(message);
    expect(() => readTimesteps(text, steps)).toThrow(expect.objectContaining({ at: { param: 'timesteps' } }));
  });
});
