import {
  div,
  mean,
  min,
  mul,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor2d,
  tidy,
} from '../tf.ts';

/**
 * Ways to combine several scores into one, each [M, N] (a row a reward, a column an image) -> [N]; differentiable. The caller owns
 * the result. All but the weighted sum compare rewards, which must then be on one scale: see `standardised`.
 * Source: arXiv 2406.04312, equation 7 (weighted sum); arXiv 2310.02743, equations 1 to 3 (mean, worst case, uncertainty)
 */

/** sum_i w_i r_i */
export function weightedSum(scores: Tensor2D, weights: readonly number[]): Tensor1D {
  return tidy(() => sum(mul(scores, column(weights)), 0));
}

/** mean_i r_i */
export function meanScore(scores: Tensor2D): Tensor1D {
  return mean(scores, 0);
}

/** min_i r_i (WCO); the gradient goes to the smallest. */
export function worstCase(scores: Tensor2D): Tensor1D {
  return min(scores, 0);
}

/** mean_i r_i - lambda var_i r_i with the population's variance (UWO). */
export function uncertaintyWeighted(scores: Tensor2D, lambda: number): Tensor1D {
  return tidy(() => {
    const average = mean(scores, 0);
    return sub(average, mul(mean(square(sub(scores, average)), 0), lambda)) as Tensor1D;
  });
}

/** The mean of a reward's usual scores, and their standard deviation, above 0. */
export interface Calibration {
  readonly mean: number;
  readonly deviation: number;
}

/** z_i = (r_i - mean_i) / deviation_i, [M, N] -> [M, N]. The caller owns the result. */
export function standardised(scores: Tensor2D, calibrations: readonly Calibration[]): Tensor2D {
  return tidy(() => {
    const means = column(calibrations.map((each) => each.mean));
    const deviations = column(calibrations.map(({ deviation }) => deviation));
    return div(sub(scores, means), deviations) as Tensor2D;
  });
}

function column(values: readonly number[]): Tensor {
  return tensor2d([...values], [values.length, 1]);
}
