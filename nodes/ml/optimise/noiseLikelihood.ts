import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { randomStream } from '../random.ts';
import { type Tensor, type Tensor1D, type Tensor4D, tensor, tensor1d, tidy, transpose } from '../tf.ts';

/**
 * How unlikely d numbers are as white noise, by bounds on the mean and the covariance of rows of k = 4^subsample of them, in
 * their own order and in the mean over others; 0 gradient where they are likely enough.
 * Source: DNO, arXiv 2405.18881, section 4.2; compute_probability_regularization of its code
 *
 * | here    | there      |                                                                              |
 * |---------|------------|------------------------------------------------------------------------------|
 * | rows    | z_i        | n rows of k numbers, row-major; what is left over is not read                  |
 * | mean    | M_1        | |mean of the rows|                                                           |
 * | spread  | M_2        | largest |eigenvalue| of rows^T rows / n - 1                                   |
 * | p_1     |            | min(-n M_1^2 / (2 k), -ln 2)                                                  |
 * | p_2     |            | min(-n max(0, sqrt(1 + M_2) - 1 - sqrt(k / n))^2 / 2, -ln 2)                   |
 * | penalty | -P-Reg     | -(p_1 + p_2 + mean over orders of (p_1 + p_2))                                 |
 *
 * @param orders permutations of the d indexes
 */
export function noiseLikelihood(
  noise: Float32Array,
  orders: readonly Int32Array[],
  subsample = 1,
): { readonly penalty: number; readonly gradient: Float32Array } {
  const gradient = new Float64Array(noise.length);
  let penalty = 0;
  for (const order of [undefined, ...orders]) {
    const share = order ? 1 / orders.length : 1;
    const values = order ? Float64Array.from(order, (index) => noise[index]!) : Float64Array.from(noise);
    const found = orderPenalty(values, 4 ** subsample);
    penalty += share * found.penalty;
    for (const [i, each] of found.gradient.entries()) gradient[order ? order[i]! : i]! += share * each;
  }
  return { penalty, gradient: Float32Array.from(gradient) };
}

/** -(p_1 + p_2) of numbers in one order, with its gradient. */
function orderPenalty(values: Float64Array, k: number): { penalty: number; gradient: Float64Array } {
  const n = Math.floor(values.length / k);
  const gradient = new Float64Array(values.length);
  const mean = new Float64Array(k);
  const squares = new Matrix(k, k);
  const row = new Float64Array(k);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < k; a++) row[a] = values[i * k + a]!;
    for (let a = 0; a < k; a++) {
      mean[a]! += row[a]! / n;
      for (let b = 0; b <= a; b++) squares.set(a, b, squares.get(a, b) + (row[a]! * row[b]!) / n);
    }
  }
  for (let a = 0; a < k; a++) {
    squares.set(a, a, squares.get(a, a) - 1);
    for (let b = 0; b < a; b++) squares.set(b, a, squares.get(a, b));
  }
  const byMean = (n * mean.reduce((sum, each) => sum + each * each, 0)) / (2 * k);
  if (byMean > Math.LN2) for (let i = 0; i < n * k; i++) gradient[i]! += mean[i % k]! / k;
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(squares, { assumeSymmetric: true });
  const largest = realEigenvalues.reduce(
    (best, each, i) => (Math.abs(each) > Math.abs(realEigenvalues[best]!) ? i : best),
    0,
  );
  const spread = Math.abs(realEigenvalues[largest]!);
  const beyond = Math.max(0, Math.sqrt(1 + spread) - 1 - Math.sqrt(k / n));
  const bySpread = (n * beyond ** 2) / 2;
  if (bySpread > Math.LN2) {
    const slope = (n * beyond) / (2 * Math.sqrt(1 + spread)); // of bySpread by M_2
    const scale = (slope * Math.sign(realEigenvalues[largest]!) * 2) / n;
    for (let i = 0; i < n; i++) {
      let along = 0;
      for (let a = 0; a < k; a++) along += values[i * k + a]! * eigenvectorMatrix.get(a, largest);
      for (let a = 0; a < k; a++) gradient[i * k + a]! += scale * along * eigenvectorMatrix.get(a, largest);
    }
  }
  return { penalty: Math.max(byMean, Math.LN2) + Math.max(bySpread, Math.LN2), gradient };
}

/** Orders besides their own in which numbers are judged, as many as in the source, where they are others each time. */
const ORDERS = 100;

/**
 * `noiseLikelihood` of each row of noise [N, h, w, c], in torch's order, as a function of the noise: penalty [N] and gradient
 * of its shape, which the caller owns. The orders are the same at each call.
 */
export function likelihoodPenalty(): (
  noise: Tensor,
) => Promise<{ readonly penalty: Tensor1D; readonly gradient: Tensor }> {
  let orders: readonly Int32Array[] = [];
  return async (noise) => {
    const [n, h, w, c] = noise.shape as [number, number, number, number];
    const planes = tidy(() => transpose(noise as Tensor4D, [0, 3, 1, 2]));
    const values = (await planes.data()) as Float32Array;
    planes.dispose();
    const size = h * w * c;
    if (orders[0]?.length !== size) orders = drawOrders(size);
    const found = Array.from({ length: n }, (_, i) =>
      noiseLikelihood(values.subarray(i * size, (i + 1) * size), orders),
    );
    const gradient = new Float32Array(values.length);
    for (const [i, row] of found.entries()) gradient.set(row.gradient, i * size);
    return {
      penalty: tensor1d(found.map(({ penalty }) => penalty)),
      gradient: tidy(() => transpose(tensor(gradient, [n, c, h, w]), [0, 2, 3, 1])),
    };
  };
}

function drawOrders(size: number): Int32Array[] {
  const { shuffle } = randomStream(0);
  const indexes = Array.from({ length: size }, (_, i) => i);
  return Array.from({ length: ORDERS }, () => Int32Array.from(shuffle(indexes)));
}
