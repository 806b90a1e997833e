import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../nodes/errors.ts';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import { schedulerConfig, schedulerNames } from '../../../../nodes/ml/diffusion/schedulers.ts';
import { parseSchedulerConfig } from '../../../../nodes/ml/diffusion/settings.ts';

/** scheduler_config.json of Stable Diffusion 1.5. */
const sd15 = {
  _class_name: 'PNDMScheduler',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
};
const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };

function errorOf(run: () => unknown): UserError {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('schedulerConfig', () => {
  it.each(schedulerNames.filter((name) => name !== 'flow-euler'))('%s samples Stable Diffusion 1.5', (name) => {
    const { timesteps } = createScheduler(schedulerConfig(sd15, name)).plan(4);
    expect(timesteps.length).toBeGreaterThanOrEqual(4);
    expect(timesteps.every((t) => t >= 0 && t < 1000)).toBe(true);
  });

  it('carries the stated fields over and leaves others to the class', () => {
    const ddim = createScheduler(schedulerConfig(sd15, 'ddim'));
    expect(ddim.plan(4).timesteps).toEqual([751, 501, 251, 1]); // leading is DDIM's default, the offset the model's
    const solver = createScheduler(schedulerConfig(sd15, 'dpm++2m'));
    expect(solver.plan(4).timesteps).toEqual([999, 749, 500, 250]); // linspace is DPM-Solver's default
    expect(schedulerConfig(sd15, 'model')).toEqual(sd15);
  });

  it('turns Karras sigmas on and off by name', () => {
    const karras = { ...sd15, use_karras_sigmas: true };
    expect(schedulerConfig(karras, 'dpm++2m').use_karras_sigmas).toBe(false);
    expect(schedulerConfig(sd15, 'unipc-karras').use_karras_sigmas).toBe(true);
    expect(schedulerConfig(karras, 'euler').use_karras_sigmas).toBe(true);
  });

  it('gives flow models to the solvers in their flow form, and to nothing else', () => {
    expect(schedulerConfig(flow, 'unipc')).toMatchObject({ use_flow_sigmas: true, flow_shift: 3 });
    expect(createScheduler(schedulerConfig(flow, 'dpm++2m')).plan(4).sigmas?.[0]).toBeLessThan(1);
    expect(errorOf(() => schedulerConfig(flow, 'ddim')).code).toBe('UNSUPPORTED');
    expect(errorOf(() => schedulerConfig(sd15, 'flow-euler')).code).toBe('UNSUPPORTED');
  });

  it('names the choices where the name is unknown', () => {
    const error = errorOf(() => schedulerConfig(sd15, 'toString'));
    expect(error.code).toBe('UNKNOWN_SCHEDULER');
    expect(error.message).toContain('euler-ancestral');
  });
});

describe('createScheduler', () => {
  it.each([
    [{ _class_name: 'DDIMScheduler', thresholding: true }, 'thresholding', 'true', 'false'],
    [{ _class_name: 'DDPMScheduler', variance_type: 'learned' }, 'variance_type', '"learned"', '"fixed_small"'],
    [{ _class_name: 'DPMSolverMultistepScheduler', solver_order: 4 }, 'solver_order', '4', '1, 2, 3'],
    [{ _class_name: 'EulerDiscreteScheduler', beta_schedule: 'laplace' }, 'beta_schedule', '"laplace"', '"linear"'],
    [{ _class_name: 'PNDMScheduler', prediction_type: 'sample' }, 'prediction_type', '"sample"', '"v_prediction"'],
    [{ _class_name: 'toString' }, 'toString', '', 'DDIMScheduler'],
    [{ _class_name: 'HeunDiscreteScheduler' }, 'HeunDiscreteScheduler', '', 'DDIMScheduler'],
    [
      { _class_name: 'UniPCMultistepScheduler', use_karras_sigmas: true, use_beta_sigmas: true },
      'use_beta_sigmas',
      '',
      '',
    ],
  ])('%j is refused with field, value and what is allowed', (config, field, value, allowed) => {
    const error = errorOf(() => createScheduler(config).plan(3));
    expect(error.code).toBe('UNSUPPORTED');
    for (const part of [field, value, allowed]) expect(error.message).toContain(part);
  });

  it('refuses a field of the wrong type', () => {
    const error = errorOf(() => createScheduler({ _class_name: 'DDIMScheduler', beta_start: '0.1' }));
    expect(error.code).toBe('BAD_CONFIG');
    expect(error.message).toContain('beta_start is "0.1"');
  });

  it.each([0, -1, 2.5, 1001, Number.NaN])('refuses %s steps', (steps) => {
    expect(errorOf(() => createScheduler(sd15).plan(steps)).code).toBe('BAD_STEPS');
  });

  it.each([
    [{ _class_name: 'LCMScheduler' }, 51, 'at most 50'],
    [{ _class_name: 'PNDMScheduler' }, 3, 'at least 4'],
    [{ _class_name: 'DDIMScheduler', steps_offset: 1 }, 1000, 'reach timestep 1000'],
    [{ _class_name: 'DDPMScheduler', timestep_spacing: 'leading', steps_offset: 1 }, 1000, 'reach timestep 1000'],
    [{ _class_name: 'PNDMScheduler', skip_prk_steps: true, steps_offset: 1 }, 1000, 'reach timestep 1000'],
    [{ _class_name: 'DPMSolverMultistepScheduler', timestep_spacing: 'leading' }, 1000, 'to timestep 0 twice'],
    [
      { _class_name: 'UniPCMultistepScheduler', timestep_spacing: 'leading', steps_offset: 1 },
      1000,
      'timestep 1 twice',
    ],
    [{ _class_name: 'DPMSolverMultistepScheduler', timestep_spacing: 'linspace' }, 1000, 'to timestep 500 twice'],
  ])('%j refuses %i steps', (config, steps, part) => {
    const error = errorOf(() => createScheduler(config).plan(steps));
    expect(error.code).toBe('BAD_STEPS');
    expect(error.message).toContain(part);
  });

  it.each([
    ['DDIMScheduler', 0, 1000],
    ['DDIMScheduler', 1, 999],
    ['DPMSolverMultistepScheduler', 0, 999],
    ['UniPCMultistepScheduler', 1, 998],
    ['EulerDiscreteScheduler', 0, 1000],
  ])('%s with offset %i takes %i steps of leading spacing, each once', (_class_name, steps_offset, steps) => {
    const { timesteps } = createScheduler({ _class_name, timestep_spacing: 'leading', steps_offset }).plan(steps);
    expect(timesteps).toHaveLength(steps);
    expect(new Set(timesteps).size).toBe(steps);
    expect(Math.max(...timesteps)).toBeLessThan(1000);
    expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
  });

  it('asks for mu where the schedule depends on the size of the image', () => {
    const scheduler = createScheduler({ ...flow, use_dynamic_shifting: true });
    expect(errorOf(() => scheduler.plan(4)).message).toContain('mu');
    expect(scheduler.plan(4, { mu: 1 }).timesteps[0]).toBe(1000);
  });
});

describe('parseSchedulerConfig', () => {
  it("reads Python's bare infinities, but not inside strings", () => {
    const text = '{"_class_name": "X", "lambda_min_clipped": -Infinity, "note": "\\"-Infinity NaN", "n": NaN}';
    expect(parseSchedulerConfig(text)).toEqual({
      _class_name: 'X',
      lambda_min_clipped: Number.NEGATIVE_INFINITY,
      note: '"-Infinity NaN',
      n: null,
    });
  });

  it.each(['', '{', '[]', 'null', '3'])('refuses %j', (text) => {
    expect(errorOf(() => parseSchedulerConfig(text)).code).toBe('BAD_CONFIG');
  });
});
