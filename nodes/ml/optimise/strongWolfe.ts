/** The value to be minimised at a point, and its gradient. */
export interface Evaluated {
  readonly value: number;
  readonly gradient: Float64Array;
}

/** A search as a coroutine: it yields points to evaluate and is sent the results. */
export type PointSearch<Result> = globalThis.Generator<Float64Array, Result, Evaluated>;

/** A point on the line x + t d: its value phi(t) and slope phi'(t). */
interface LinePoint extends Evaluated {
  readonly t: number;
  readonly slope: number;
  readonly point: Float64Array;
}

/** Sufficient decrease and curvature. */
const [c1, c2] = [1e-4, 0.9];

/**
 * Searches the line x + t d for a t with phi(t) <= phi(0) + c1 t phi'(0) and |phi'(t)| <= c2 |phi'(0)|: the trial step is
 * doubled until it brackets such a t, then the bracket is narrowed by cubic interpolation. Gives the best point it saw
 * with sufficient decrease where `evaluations` are used up before, or undefined where it saw none.
 * Source: Nocedal and Wright 2006, algorithms 3.5 and 3.6 with (3.59); c1, c2 as there for quasi-Newton methods.
 *
 * @param start the value and gradient at x; @param direction d, along which the value falls; @param trial first t, above 0.
 */
export function* strongWolfe(
  x: Float64Array,
  start: Evaluated,
  direction: Float64Array,
  trial: number,
  evaluations = 10,
): PointSearch<(Evaluated & { readonly point: Float64Array }) | undefined> {
  const origin: LinePoint = { ...start, t: 0, slope: dot(start.gradient, direction), point: x };
  const falls = ({ t, value }: LinePoint) => value <= origin.value + c1 * t * origin.slope;
  const flat = ({ slope }: LinePoint) => Math.abs(slope) <= -c2 * origin.slope;
  let [low, high]: [LinePoint, LinePoint | undefined] = [origin, undefined];
  let t = trial;
  for (let k = 0; k < evaluations; k++) {
    const point = x.map((value, i) => value + t * direction[i]!);
    const known = yield point;
    const next: LinePoint = { ...known, t, slope: dot(known.gradient, direction), point };
    if (falls(next) && flat(next)) return next;
    if (!falls(next) || next.value >= low.value)
      high = next; // NaN, too, is too far
    else {
      if (high ? next.slope * (high.t - low.t) >= 0 : next.slope >= 0) high = low;
      low = next;
    }
    t = high ? between(low, high) : 2 * next.t;
  }
  return low === origin ? undefined : low;
}

/** The minimum of the cubic through two points with their slopes, at least a tenth of the way from either. */
function between(low: LinePoint, high: LinePoint): number {
  const width = high.t - low.t;
  const a = low.slope + high.slope - (3 * (low.value - high.value)) / (low.t - high.t);
  const root = Math.sign(width) * Math.sqrt(a * a - low.slope * high.slope);
  const t = high.t - (width * (high.slope + root - a)) / (high.slope - low.slope + 2 * root);
  const fraction = (t - low.t) / width;
  return low.t + width * (Number.isFinite(fraction) ? Math.min(0.9, Math.max(0.1, fraction)) : 0.5);
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
