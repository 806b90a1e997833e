import { add, dispose, div, grad, mul, reshape, slice, square, sub, sum, type Tensor, tensor, tidy } from '../tf.ts';
import { alphaSigma } from './logSnr.ts';
import type { SolverStatistics } from './solverIntegrals.ts';

/**
 * The noise that a model predicts in noisy samples of one half log signal-to-noise ratio, of which the first has the number
 * `start`; differentiable. Runs in a tidy.
 */
export type PredictNoise = (x: Tensor, lambda: number, start: number) => Tensor;

/** K clean samples, as many unit normals, and as many probes of +1 and -1: [K, ...] each. */
export interface Samples {
  readonly clean: Tensor;
  readonly noise: Tensor;
  readonly probe: Tensor;
}

export interface EstimateSettings {
  /** Samples that the model sees at once. */
  readonly batch: number;
  /** All places of a channel (the last axis) share their statistics, which then serve any size. */
  readonly share: boolean;
}

/** What is computed on the way, each [grid + 1, ...shape] as well. */
export interface EstimatedStatistics extends SolverStatistics {
  /** l', f and f' of the table below. */
  readonly slope: Float32Array;
  readonly f: Float32Array;
  readonly change: Float32Array;
}

/** Calls of the model for a sample at a point: a gradient counts as three. */
export const [GRADIENT_CALLS, DIFFERENCE_CALLS] = [3, 3];

/** Half the step of the central differences in lambda: below, float32 loses digits; above, curvature counts. */
const HALF_STEP = 5e-3;
/** Points over which the slope of l is averaged. */
const SMOOTHED = 11;
/** Least variance of f that a scale is taken from, and the largest scale. */
const [LEAST_VARIANCE, LARGEST_SCALE] = [1e-8, 10];

/**
 * Empirical model statistics of DPM-Solver-v3 on a grid of lambdas, from x = alpha clean + sigma noise.
 * Source: arXiv 2310.13268, appendix C.1.1; derivatives by reverse mode and by central differences in place of forward mode
 *
 *   l      E[sigma v (J^T v)], J = d eps / dx, v the probes: the diagonal of sigma J (Hutchinson)
 *   f      (sigma eps - l x) / alpha
 *   f'     e^-lambda ((l - 1) eps + eps') - l' x / alpha, eps' the derivative of eps along (dx, dlambda) = (sigma^2 x - sigma eps, 1)
 *   s      (E[f f'] - E f E f') / (E[f^2] - (E f)^2)
 *   b      E f' - s E f
 *
 * `report` is awaited with the fraction that is done. Borrows the samples; where it or the model rejects, nothing is left.
 */
export async function estimateStatistics(
  predict: PredictNoise,
  samples: Samples,
  lambdas: readonly number[],
  settings: EstimateSettings,
  report: (fraction: number) => Promise<void>,
): Promise<EstimatedStatistics> {
  const points = lambdas.length;
  const whole = samples.clean.shape.slice(1);
  const shape = settings.share ? whole.map((side, axis) => (axis === whole.length - 1 ? side : 1)) : whole;
  const spread = (values: Float32Array) => tensor(values, shape);
  const calls = points * (GRADIENT_CALLS + DIFFERENCE_CALLS);
  const l: Float32Array[] = [];
  for (const lambda of lambdas) {
    const [own] = await meanOver(samples, settings, (part, start) => [
      diagonal((x) => predict(x, lambda, start), part, lambda),
    ]);
    l.push(own!);
    await report((l.length * GRADIENT_CALLS) / calls);
  }
  const slope = smooth(differences(l, lambdas));
  const [f, change, s, b]: [Float32Array[], Float32Array[], Float32Array[], Float32Array[]] = [[], [], [], []];
  for (const [i, lambda] of lambdas.entries()) {
    const [m, n, product, power] = (await meanOver(samples, settings, (part, start) => {
      const ask = (x: Tensor, at: number) => predict(x, at, start);
      const terms = scaledTerms(ask, part, lambda, spread(l[i]!), spread(slope[i]!));
      return [...terms, mul(...terms), square(terms[0])];
    })) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const scale = m.map((mean, e) => {
      const variance = Math.max(power[e]! - mean * mean, LEAST_VARIANCE);
      const found = (product[e]! - mean * n[e]!) / variance;
      return Math.min(Math.max(found, -LARGEST_SCALE), LARGEST_SCALE);
    });
    f.push(m);
    change.push(n);
    s.push(scale);
    b.push(n.map((mean, e) => mean - scale[e]! * m[e]!));
    await report((points * GRADIENT_CALLS + (i + 1) * DIFFERENCE_CALLS) / calls);
  }
  return {
    grid: points - 1,
    shape,
    l: join(l),
    s: join(s),
    b: join(b),
    slope: join(slope),
    f: join(f),
    change: join(change),
  };
}

/** sigma v (J^T v) of some samples. */
function diagonal(predict: (x: Tensor) => Tensor, { clean, noise, probe }: Samples, lambda: number): Tensor {
  const [alpha, sigma] = alphaSigma(lambda);
  const projected = grad((x: Tensor) => sum(mul(predict(x), probe)));
  return mul(mul(projected(add(mul(clean, alpha), mul(noise, sigma))), probe), sigma);
}

/** f and f' of some samples. */
function scaledTerms(
  predict: (x: Tensor, lambda: number) => Tensor,
  { clean, noise }: Samples,
  lambda: number,
  l: Tensor,
  slope: Tensor,
): [f: Tensor, change: Tensor] {
  const [alpha, sigma] = alphaSigma(lambda);
  const x = add(mul(clean, alpha), mul(noise, sigma));
  const eps = predict(x, lambda);
  const direction = sub(mul(x, sigma ** 2), mul(eps, sigma));
  const at = (step: number) => predict(add(x, mul(direction, step)), lambda + step);
  const epsChange = div(sub(at(HALF_STEP), at(-HALF_STEP)), 2 * HALF_STEP);
  const f = div(sub(mul(eps, sigma), mul(x, l)), alpha);
  const ofNoise = mul(add(mul(eps, sub(l, 1)), epsChange), Math.exp(-lambda));
  return [f, sub(ofNoise, div(mul(x, slope), alpha))];
}

/** Means over all samples, and over all places where they share, of what `compute` gives for some of them. */
async function meanOver(
  samples: Samples,
  { batch, share }: EstimateSettings,
  compute: (part: Samples, start: number) => readonly Tensor[],
): Promise<Float32Array[]> {
  const { clean, noise, probe } = samples;
  const count = clean.shape[0]!;
  let sums: Float64Array[] = [];
  for (let start = 0; start < count; start += batch) {
    const size = Math.min(batch, count - start);
    const some = (x: Tensor) => slice(x, [start, ...x.shape.slice(1).map(() => 0)], [size, ...x.shape.slice(1)]);
    const added = tidy(() =>
      compute({ clean: some(clean), noise: some(noise), probe: some(probe) }, start).map((each) => {
        const axes = share ? [...each.shape.keys()].slice(0, -1) : [0];
        return reshape(sum(each, axes), [-1]);
      }),
    );
    try {
      const values = await Promise.all(added.map((each) => each.data()));
      sums = values.map((own, k) => Float64Array.from(own, (value, e) => value + (sums[k]?.[e] ?? 0)));
    } finally {
      dispose(added);
    }
  }
  const values = clean.size / (sums[0]?.length ?? 1);
  return sums.map((sum) => Float32Array.from(sum, (value) => value / values));
}

/** Slopes over the grid: central differences, one-sided at the ends. */
function differences(values: readonly Float32Array[], lambdas: readonly number[]): Float32Array[] {
  return values.map((own, i) => {
    const [low, high] = [Math.max(0, i - 1), Math.min(values.length - 1, i + 1)];
    return own.map((_, e) => (values[high]![e]! - values[low]![e]!) / (lambdas[high]! - lambdas[low]!));
  });
}

/** The mean over neighbours on the grid, fewer at the ends. */
function smooth(values: readonly Float32Array[]): Float32Array[] {
  const reach = (SMOOTHED - 1) / 2;
  return values.map((own, i) => {
    const near = values.slice(Math.max(0, i - reach), i + reach + 1);
    return own.map((_, e) => near.reduce((sum, each) => sum + each[e]!, 0) / near.length);
  });
}

function join(parts: readonly Float32Array[]): Float32Array {
  const size = parts[0]?.length ?? 0;
  const whole = new Float32Array(size * parts.length);
  for (const [i, part] of parts.entries()) whole.set(part, i * size);
  return whole;
}
