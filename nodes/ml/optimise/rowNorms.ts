import { reshape, sqrt, square, sum, type Tensor, tidy } from '../tf.ts';

/** L2 norm of each row: x [N, ...] -> [N, 1, ...] of x's rank. The caller owns the result. */
export function rowNorms(x: Tensor): Tensor {
  return tidy(() => {
    const [rows = 1] = x.shape;
    const norms = sqrt(sum(square(reshape(x, [rows, -1])), 1)); // [N]
    return reshape(norms, [rows, ...x.shape.slice(1).map(() => 1)]);
  });
}
