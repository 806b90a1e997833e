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

/** What an objective gives at N rows of a variable: their images [N, H, W, 3] in [0, 1] and, for each reward, scores [N]. */
export interface Evaluation {
  readonly pixels: Tensor4D;
  readonly scores: readonly Tensor1D[];
}

/** From the variable [N, ...] to images and scores: synchronous and differentiable, each row on its own. */
export type Evaluate = (variable: Tensor) => Evaluation;

/** Images and scores without a gradient. The caller owns them. */
export function evaluateOnce(variable: Tensor, evaluate: Evaluate): Evaluation {
  return tidy(() => {
    const { pixels, scores } = evaluate(variable);
    return { pixels: clone(pixels), scores: scores.map(clone) };
  });
}

/**
 * Images and scores, and the gradient of -sum_i w_i r_i with respect to the variable, of its shape: 0 where no score depends
 * on it. A weight is one for all rows or one each, [N]; a reward of weight 0 is scored only. The caller owns all tensors.
 */
export function evaluateWithGradient(
  variable: Tensor,
  evaluate: Evaluate,
  weights: readonly (number | Tensor1D)[],
): Evaluation & { readonly gradient: Tensor } {
  let evaluation: Evaluation | undefined;
  const loss = (x: Tensor): Tensor => {
    const { pixels, scores } = evaluate(x);
    evaluation = { pixels: keep(clone(pixels)), scores: scores.map((each) => keep(clone(each))) };
    const nothing = mul(sum(reshape(x, [x.shape[0] ?? 1, -1]), 1), 0); // a path to x, even where the scores have none
    const counted = scores.flatMap((each, i) => (weights[i] === 0 ? [] : [mul(each, weights[i]!)]));
    return neg(addN([nothing, ...counted])); // [N]
  };
  try {
    const gradient = grad(loss)(variable);
    return { ...evaluation!, gradient };
  } catch (error) {
    dropTape();
    if (evaluation) dispose([evaluation.pixels, ...evaluation.scores]);
    throw error;
  }
}
