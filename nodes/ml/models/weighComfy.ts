import { add, concat, expandDims, mul, slice, sub, type Tensor3D, tensor2d } from '../tf.ts';

/**
 * z' = z_empty + w (z - z_empty) for each token; nothing changes where all weights are 1. states [K + 1, T, C] of K chunks, the
 * last of the empty prompt, and weights [K, T] -> [K, T, C]. Differentiable. Call it in a tidy; the caller owns the result.
 * Source: ComfyUI, comfy/sd1_clip.py, encode_token_weights
 */
export function weighComfy(states: Tensor3D, weights: readonly (readonly number[])[]): Tensor3D {
  const count = weights.length;
  const empty = slice(states, [count, 0, 0], [1, -1, -1]);
  const rows = weights.map((row, k) => {
    const own = slice(states, [k, 0, 0], [1, -1, -1]);
    if (row.every((weight) => weight === 1)) return own;
    const factors = expandDims(tensor2d([[...row]]), 2); // [1, T, 1]
    return add(empty, mul(sub(own, empty), factors)) as Tensor3D;
  });
  return concat(rows, 0);
}
