import { dropTape } from '../nn/dropTape.ts';
import {
  addN,
  clone,
  dispose,
  grad,
  keep,
  mul,
  neg,
  reshape,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tidy,
} from '../tf.ts';

/** What N points are worth: their images [N, H, W, 3] in [0, 1] and, for each reward, scores [N]. */
export interface Seen {
  readonly pixels: Tensor4D;
  readonly scores: readonly Tensor1D[];
}

/** From the variable [N, ...] to images and scores: synchronous and differentiable, each row on its own. */
export type Look = (variable: Tensor) => Seen;

/** Images and scores without a gradient. The caller owns them. */
export function see(variable: Tensor, look: Look): Seen {
  return tidy(() => {
    const { pixels, scores } = look(variable);
    return { pixels: clone(pixels), scores: scores.map(clone) };
  });
}

/**
 * Images and scores, and the gradient of -sum_i w_i r_i with respect to the variable, of its shape: 0 where no score depends
 * on it. A weight is one for all rows or one each, [N]; a reward of weight 0 is scored only. The caller owns all tensors.
 */
export function evaluate(
  variable: Tensor,
  look: Look,
  weights: readonly (number | Tensor1D)[],
): Seen & { readonly gradient: Tensor } {
  let seen: Seen | undefined;
  const loss = (x: Tensor): Tensor => {
    const { pixels, scores } = look(x);
    seen = { pixels: keep(clone(pixels)), scores: scores.map((each) => keep(clone(each))) };
    const nothing = mul(sum(reshape(x, [x.shape[0] ?? 1, -1]), 1), 0); // a path to x, even where the scores have none
    const counted = scores.flatMap((each, i) => (weights[i] === 0 ? [] : [mul(each, weights[i]!)]));
    return neg(addN([nothing, ...counted])); // [N]
  };
  try {
    const gradient = grad(loss)(variable);
    return { ...seen!, gradient };
  } catch (error) {
    dropTape();
    if (seen) dispose([seen.pixels, ...seen.scores]);
    throw error;
  }
}
