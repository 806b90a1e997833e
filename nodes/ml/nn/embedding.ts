import { gather, type Tensor, type Tensor1D, type Tensor2D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';

/** Rows of w.weight [count, C] by int32 index: ids [...] -> [..., C]. The caller owns the result. */
export function embedding(ids: Tensor, w: Weights): Tensor {
  return gather(w.get('weight') as Tensor2D, ids as Tensor1D);
}
