import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaQuantile } from '../../../../nodes/ml/diffusion/betaQuantile.ts';
import { createScheduler } from '../../../../nodes/ml/diffusion/createScheduler.ts';
import { alphasCumprod, positiveAlphasCumprod, trainingSigmas } from '../../../../nodes/ml/diffusion/noiseSchedule.ts';
import { trainedDefaults } from '../../../../nodes/ml/diffusion/settings.ts';
import { interpolate, sigmaToTimestep } from '../../../../nodes/ml/diffusion/sigmas.ts';
import { roundHalfEven, spacedTimesteps } from '../../../../nodes/ml/diffusion/timesteps.ts';

const steps = fc.integer({ min: 1, max: 100 });

describe('noise schedules', () => {
  it.each(['linear', 'scaled_linear', 'squaredcos_cap_v2'])(
    '%s: alphaBar falls from below 1 to above 0',
    (beta_schedule) => {
      const alphaBars = alphasCumprod({ ...trainedDefaults, beta_schedule });
      expect(alphaBars).toHaveLength(1000);
      expect(alphaBars[0]).toBeLessThan(1);
      expect(alphaBars.every((a, i) => a > 0 && (i === 0 || a < (alphaBars[i - 1] ?? 0)))).toBe(true);
    },
  );

  it('reaches zero signal exactly where asked, and a finite sigma for the samplers in sigmas', () => {
    const settings = { ...trainedDefaults, rescale_betas_zero_snr: true };
    expect(alphasCumprod(settings).at(-1)).toBe(0);
    expect(trainingSigmas(positiveAlphasCumprod(settings)).at(-1)).toBeCloseTo(4096, 0);
    expect(alphasCumprod(settings)[0]).toBeCloseTo(alphasCumprod(trainedDefaults)[0] ?? 0, 6);
  });
});

describe('plans', () => {
  const configs = [
    { _class_name: 'EulerDiscreteScheduler' },
    { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing', rescale_betas_zero_snr: true },
    { _class_name: 'EulerDiscreteScheduler', use_karras_sigmas: true },
    { _class_name: 'EulerDiscreteScheduler', use_beta_sigmas: true },
    { _class_name: 'EulerAncestralDiscreteScheduler', timestep_spacing: 'leading', steps_offset: 1 },
    { _class_name: 'DPMSolverMultistepScheduler', use_exponential_sigmas: true },
    { _class_name: 'DPMSolverMultistepScheduler', timestep_spacing: 'leading' },
    { _class_name: 'UniPCMultistepScheduler', timestep_spacing: 'trailing' },
    { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 },
  ];
  it.each(configs)('%j: as many timesteps as steps, strictly falling sigmas down to 0', (config) => {
    fc.assert(
      fc.property(steps, (count) => {
        const { timesteps, sigmas = [] } = createScheduler(config).plan(count);
        expect(timesteps).toHaveLength(count);
        expect(sigmas).toHaveLength(count + 1);
        expect(sigmas.at(-1)).toBe(0);
        expect(sigmas.every((sigma, i) => i === 0 || sigma < (sigmas[i - 1] ?? 0))).toBe(true);
      }),
      { seed: 2, numRuns: 30 },
    );
  });

  it('leave out the timestep -1 that floating point adds to 61 trailing steps', () => {
    const timesteps = spacedTimesteps({ ...trainedDefaults, timestep_spacing: 'trailing' }, 61);
    expect(timesteps).toHaveLength(61);
    expect(timesteps.at(-1)).toBe(15);
  });
});

describe('tables', () => {
  it('sigmaToTimestep undoes interpolation', () => {
    const sigmas = trainingSigmas(alphasCumprod(trainedDefaults));
    const logs = sigmas.map(Math.log);
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 999 }), (timestep) => {
        expect(sigmaToTimestep(interpolate(sigmas, timestep), logs)).toBeCloseTo(timestep, 2);
      }),
      { seed: 3, numRuns: 50 },
    );
    expect(sigmaToTimestep(1e-12, logs)).toBe(0);
    expect(sigmaToTimestep(1e6, logs)).toBe(999);
  });

  it('rounds halves to the even neighbour', () => {
    expect([0.5, 1.5, 2.5, 3.5, 2.4999, 937.5].map(roundHalfEven)).toEqual([0, 2, 2, 4, 2, 938]);
  });

  it('betaQuantile agrees with the closed forms of Beta(1/2, 1/2) and Beta(1, b)', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), (p) => {
        expect(betaQuantile(p, 0.5, 0.5)).toBeCloseTo(Math.sin((Math.PI * p) / 2) ** 2, 9);
        expect(betaQuantile(p, 1, 0.6)).toBeCloseTo(1 - (1 - p) ** (1 / 0.6), 9);
      }),
      { seed: 4, numRuns: 50 },
    );
    expect([betaQuantile(0, 0.6, 0.6), betaQuantile(1, 0.6, 0.6)]).toEqual([0, 1]);
  });
});
