import { dot, type Evaluated, type PointSearch, strongWolfe } from './strongWolfe.ts';

export interface LbfgsSettings {
  /** How many steps are kept for the curvature; ReNO's is 3. */
  readonly history: number;
  /** Length of the first trial step, before anything is known of the curvature. */
  readonly firstStep: number;
}

/** Where no element of the gradient is larger, the search ends; as in PyTorch's. */
const FLAT = 1e-7;

/** A step and the change of gradient along it, with 1 / (s . y). */
interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

/**
 * Minimises by limited-memory BFGS with a strong Wolfe line search, as a coroutine: it yields points and is sent value and
 * gradient at each, line searches included. Ends where the gradient is about 0 or no step lowers the value.
 * Source: Nocedal and Wright 2006, algorithms 7.4 and 7.5.
 */
export function* lbfgs(start: Float64Array, { history, firstStep }: LbfgsSettings): PointSearch<void> {
  let x = start;
  let here: Evaluated = yield x;
  let pairs: Pair[] = [];
  for (;;) {
    const { gradient } = here;
    if (gradient.every((value) => Math.abs(value) <= FLAT)) return;
    const direction = descent(gradient, pairs);
    const trial = pairs.length > 0 ? 1 : firstStep / Math.sqrt(dot(gradient, gradient));
    const found = yield* strongWolfe(x, here, direction, trial);
    if (!found) {
      if (pairs.length === 0) return;
      pairs = []; // what was learned of the curvature misleads: start from the gradient again
      continue;
    }
    const s = found.point.map((value, i) => value - x[i]!);
    const y = found.gradient.map((value, i) => value - gradient[i]!);
    if (dot(s, y) > 1e-10) pairs = [...pairs, { s, y, rho: 1 / dot(s, y) }].slice(-history);
    [x, here] = [found.point, found];
  }
}

/** -H g, where H is the inverse Hessian that the pairs approximate (the two-loop recursion). */
export function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const q = gradient.map((value) => -value);
  const alphas: number[] = [];
  for (const { s, y, rho } of [...pairs].reverse()) {
    const alpha = rho * dot(s, q);
    alphas.unshift(alpha);
    q.forEach((value, i) => {
      q[i] = value - alpha * y[i]!;
    });
  }
  const last = pairs.at(-1);
  const gamma = last ? 1 / (last.rho * dot(last.y, last.y)) : 1; // s . y / y . y
  const r = q.map((value) => value * gamma);
  for (const [i, { s, y, rho }] of pairs.entries()) {
    const beta = rho * dot(y, r);
    r.forEach((value, j) => {
      r[j] = value + (alphas[i]! - beta) * s[j]!;
    });
  }
  return r;
}
