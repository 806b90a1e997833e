import { add, div, minimum, mul, type Tensor, tidy } from '../tf.ts';
import { rowNorms } from './rowNorms.ts';

/**
 * Shortens the gradient of each row to a norm of `limit` where it is longer: g min(1, limit / (|g| + 1e-6)).
 * gradient [N, ...] -> the same shape; the caller owns the result. Source: PyTorch torch.nn.utils.clip_grad_norm_.
 */
export function clipByNorm(gradient: Tensor, limit: number): Tensor {
  return tidy(() => mul(gradient, minimum(1, div(limit, add(rowNorms(gradient), 1e-6)))));
}
