import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alphaSigma, logSnr } from '../../../../nodes/ml/diffusion/logSnr.ts';
import { alphasCumprod, positiveAlphasCumprod } from '../../../../nodes/ml/diffusion/noiseSchedule.ts';
import { readSettings, trainedAllowed, trainedDefaults } from '../../../../nodes/ml/diffusion/settings.ts';
import { lambdaGrid } from '../../../../nodes/ml/diffusion/solverIntegrals.ts';

const settingsOf = (beta_schedule: string) => readSettings({ beta_schedule }, trainedDefaults, trainedAllowed);

describe('the log signal-to-noise ratio over time', () => {
  it.each(['linear', 'scaled_linear', 'squaredcos_cap_v2'])(
    'of %s is inverted, and that of training at its timesteps',
    (schedule) => {
      const alphaBars = alphasCumprod(settingsOf(schedule));
      const snr = logSnr(alphaBars);
      fc.assert(
        fc.property(fc.double({ min: 1 / 1000, max: 0.995, noNaN: true }), (time) => {
          expect(snr.timeAt(snr.lambdaAt(time))).toBeCloseTo(time, 5);
        }),
        { seed: 2, numRuns: 50 },
      );
      for (const timestep of [0, 20, 700]) {
        const [alpha, sigma] = alphaSigma(snr.lambdaAt((timestep + 1) / 1000));
        expect(alpha ** 2).toBeCloseTo(alphaBars[timestep]!, 6);
        expect(alpha ** 2 + sigma ** 2).toBeCloseTo(1, 12);
      }
    },
  );

  it('has a grid that is even, rises, and stops where a schedule ends in pure noise', () => {
    const usual = lambdaGrid(logSnr(alphasCumprod(settingsOf('scaled_linear'))), 10);
    const cosine = lambdaGrid(logSnr(positiveAlphasCumprod(settingsOf('squaredcos_cap_v2'))), 10);
    expect(usual[0]).toBeCloseTo(
      Math.log(
        Math.sqrt(
          alphasCumprod(settingsOf('scaled_linear'))[999]! / (1 - alphasCumprod(settingsOf('scaled_linear'))[999]!),
        ),
      ),
      5,
    );
    expect(cosine[0]).toBe(-5);
    for (const grid of [usual, cosine])
      for (let i = 1; i < 10; i++) expect(grid[i + 1]! - grid[i]!).toBeCloseTo(grid[1]! - grid[0]!, 9);
  });
});
