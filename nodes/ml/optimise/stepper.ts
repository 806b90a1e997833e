import { add, concat, type Tensor, tensor, tidy } from '../tf.ts';
import { clipByNorm } from './clipByNorm.ts';
import { type LbfgsSettings, lbfgs } from './lbfgs.ts';
import type { Optimiser, OptimiserState } from './optimiser.ts';
import type { PointSearch } from './strongWolfe.ts';

/** Minimises N independent rows: from the losses and gradients at x it makes the next x to evaluate. */
export interface Stepper {
  /**
   * x and gradient [N, ...], one loss a row. Gives the next x, which the caller owns, and the rows that have converged,
   * for which no further point is worth evaluating.
   */
  next(x: Tensor, losses: readonly number[], gradient: Tensor): Promise<{ x: Tensor; converged: ReadonlySet<number> }>;
  dispose(): void;
}

/** One step of the optimiser for each evaluation, along the gradient shortened to the norm `clip` (0: as it is). */
export function optimiserStepper(optimiser: Optimiser, clip: number): Stepper {
  let state: OptimiserState | undefined;
  const free = () => {
    for (const moment of state?.moments ?? []) moment.dispose();
  };
  return {
    async next(x, _losses, gradient) {
      state ??= optimiser.init(x);
      const clipped = clip > 0 ? clipByNorm(gradient, clip) : gradient;
      const { step, state: after } = optimiser.update(clipped, state);
      free();
      state = after;
      const next: Tensor = add(x, step);
      step.dispose();
      if (clipped !== gradient) clipped.dispose();
      return { x: next, converged: new Set() };
    },
    dispose: free,
  };
}

/** L-BFGS for each row on its own; each point of its line searches is an evaluation. */
export function lbfgsStepper(settings: LbfgsSettings): Stepper {
  let searches: PointSearch<void>[] | undefined;
  return {
    async next(x, losses, gradient) {
      const [points, gradients] = [await x.data(), await gradient.data()];
      const size = points.length / losses.length;
      const row = (values: ArrayLike<number>, i: number) =>
        Float64Array.from({ length: size }, (_, j) => values[i * size + j]!);
      searches ??= losses.map((_, i) => {
        const search = lbfgs(row(points, i), settings);
        search.next();
        return search;
      });
      const converged = new Set<number>();
      const rows = losses.map((value, i) => {
        const { done, value: point } = searches![i]!.next({ value, gradient: row(gradients, i) });
        if (done) converged.add(i);
        return Float32Array.from(done ? row(points, i) : point);
      });
      const shape = [1, ...x.shape.slice(1)];
      return {
        x: tidy(() =>
          concat(
            rows.map((values) => tensor(values, shape)),
            0,
          ),
        ),
        converged,
      };
    },
    dispose: () => {},
  };
}
