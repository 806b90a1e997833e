import { combineLinearly } from './combineLinearly.ts';
import { dpmUpdate } from './dpmSolver.ts';
import { cleanOfEdm, edmInitialDeviation, edmInputScale, edmSigmas, edmTimestep, readEdmSettings } from './edm.ts';
import { readLevels } from './noiseLevels.ts';
import type { Plan, Scheduler, SchedulerConfig } from './scheduler.ts';
import { readSettings, unsupported } from './settings.ts';
import type { SolverPoint } from './solverPoint.ts';

const defaults = {
  solver_order: 2,
  algorithm_type: 'dpmsolver++',
  solver_type: 'midpoint',
  lower_order_final: true,
  euler_at_final: false,
  final_sigmas_type: 'zero',
  thresholding: false,
};
const allowed = {
  solver_order: [1, 2, 3],
  algorithm_type: ['dpmsolver++', 'sde-dpmsolver++', 'deis'],
  solver_type: ['midpoint', 'heun', 'logrho', 'bh1', 'bh2'],
  thresholding: [false],
};

/**
 * DPM-Solver++ and its stochastic form over EDM's noise levels, where alpha is 1 and lambda = -ln sigma.
 * Source: arXiv 2211.01095, equation 4.1; diffusers EDMDPMSolverMultistepScheduler.
 *
 *   m0, m1, m2    clean samples of this step and the ones before
 */
export function edmDpmSolver(config: SchedulerConfig): Scheduler {
  const edm = readEdmSettings(config);
  const read = readSettings(config, defaults, allowed);
  const settings = { ...read, algorithm_type: read.algorithm_type === 'deis' ? 'dpmsolver++' : read.algorithm_type };
  const stochastic = settings.algorithm_type === 'sde-dpmsolver++';
  if (stochastic && settings.solver_order === 3) throw unsupported(config, 'solver_order', 3, [1, 2]);
  return {
    config,
    plan(steps, { eta = 0 } = {}) {
      const levels = edmSigmas(edm, steps);
      const last = edm.final_sigmas_type === 'zero' ? 0 : Math.fround(edm.sigma_min);
      const initNoiseSigma = edmInitialDeviation(edm);
      return { timesteps: levels.map(edmTimestep), sigmas: [...levels, last], initNoiseSigma, eta };
    },
    needsNoise: (plan, i) => stochastic && readLevels(plan, i).next > 0,
    level: (plan, i) => ({ signal: 1, noise: readLevels(plan, i).sigma }),
    scaleInput: (plan, i, x) => combineLinearly([edmInputScale(edm, readLevels(plan, i).sigma), x]),
    step(plan, i, { x, modelOutput, state, noise = x }) {
      const estimate = cleanOfEdm(edm, readLevels(plan, i).sigma, x, modelOutput);
      const next = dpmUpdate(settings, plan, i, { x, state, noise }, estimate, (at) => pointAt(plan, at));
      return { ...next, estimate };
    },
  };
}

function pointAt(plan: Plan, i: number): SolverPoint {
  const sigma = plan.sigmas![i]!;
  return { alpha: 1, sigma, lambda: -Math.log(sigma) };
}
