import { add, concat, type Tensor, tensor, tidy } from '../tf.ts';
import { clipByNorm } from './clipByNorm.ts';
import { type LbfgsSettings, lbfgs } from './lbfgs.ts';
import type { Optimiser, OptimiserState } from './optimiser.ts';
import type { PointSearch } from './strongWolfe.ts';

/** The way N independent rows take downhill: told what they found at x, it says where to look next. */
export interface Route {
  /**
   * x and gradient [N, ...], one loss a row. Gives the next x, which the caller owns, and the rows that have arrived: no
   * further point of theirs is worth a look.
   */
  next(x: Tensor, losses: readonly number[], gradient: Tensor): Promise<{ x: Tensor; arrived: ReadonlySet<number> }>;
  dispose(): void;
}

/** A step of the optimiser for each look, along the gradient shortened to the norm `clip` (0: as it is). */
export function stepping(optimiser: Optimiser, clip: number): Route {
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
      return { x: next, arrived: new Set() };
    },
    dispose: free,
  };
}

/** L-BFGS for each row on its own; the points that its line searches ask for are looks like all others. */
export function searching(settings: LbfgsSettings): Route {
  let searches: PointSearch<void>[] | undefined;
  return {
    async next(x, losses, gradient) {
      const [points, slopes] = [await x.data(), await gradient.data()];
      const size = points.length / losses.length;
      const row = (values: ArrayLike<number>, i: number) =>
        Float64Array.from({ length: size }, (_, j) => values[i * size + j]!);
      searches ??= losses.map((_, i) => {
        const search = lbfgs(row(points, i), settings);
        search.next();
        return search;
      });
      const arrived = new Set<number>();
      const rows = losses.map((value, i) => {
        const { done, value: point } = searches![i]!.next({ value, gradient: row(slopes, i) });
        if (done) arrived.add(i);
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
        arrived,
      };
    },
    dispose: () => {},
  };
}
