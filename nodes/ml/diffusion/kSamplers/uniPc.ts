import { combineLinearly } from '../combineLinearly.ts';
import type { CallInput, CallOutput, KSampler } from '../kSampler.ts';
import type { SolverPoint } from '../solverPoint.ts';
import { uniPcCoefficients } from '../uniPc.ts';

const HIGHEST_ORDER = 3;
/** The level that stands for 0, where log sigma ends. */
const SMALLEST = 0.001;

/**
 * UniPC as ComfyUI runs it: order 3, rising at the start and falling at the end, no corrector after the last step. Source:
 * arXiv 2302.04867, algorithms 5 to 8; ComfyUI extra_samplers/uni_pc.py. The state holds x before the predictor, then the
 * clean estimates before, newest first.
 */
const uniPcOf =
  (solver_type: 'bh1' | 'bh2'): KSampler =>
  (sigmas, i) => {
    const steps = sigmas.length - 1;
    const orderOf = (step: number) => Math.max(1, Math.min(HIGHEST_ORDER, steps - 1, step + 1, steps - step));
    const coefficients = (from: number, corrector: boolean) => {
      const points = Array.from({ length: orderOf(from) + 1 }, (_, k) => pointOf(sigmas[from + 1 - k]!));
      return uniPcCoefficients({ predict_x0: true, solver_type }, points, corrector);
    };
    const move = (x: CallInput['x'], from: number, corrector: boolean, clean: readonly CallInput['clean'][]) => {
      const { ofX, ofPredictions } = coefficients(from, corrector);
      return combineLinearly([ofX, x], ...ofPredictions.map((weight, k) => [weight, clean[k]!] as const));
    };
    return [
      {
        at: sigmas[i]!,
        step({ x, clean, state: [before, ...past] }): CallOutput {
          const corrected = i > 0 ? move(before!, i - 1, true, [clean, ...past]) : x;
          const estimates = [clean, ...past].slice(0, HIGHEST_ORDER);
          return { x: move(corrected, i, false, estimates), state: [corrected, ...estimates] };
        },
      },
    ];
  };

function pointOf(level: number): SolverPoint {
  const sigma = level === 0 ? SMALLEST : level;
  return { alpha: 1, sigma, lambda: -Math.log(sigma) };
}

export const uniPc: KSampler = uniPcOf('bh1');
export const uniPcBh2: KSampler = uniPcOf('bh2');
