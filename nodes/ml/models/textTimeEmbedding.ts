import { attention } from '../nn/attention.ts';
import { layerNorm } from '../nn/layerNorm.ts';
import { linear } from '../nn/linear.ts';
import { add, concat, mean, reshape, type Tensor2D, type Tensor3D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addLinearShapes, addNormShapes, type Shapes } from './unetBlocks.ts';

interface TextTimeEmbeddingOptions {
  /** D, width of the context. */
  readonly contextWidth: number;
  /** E, width of the time embedding. */
  readonly timeWidth: number;
  readonly heads: number;
}

export function addTextTimeEmbeddingShapes(
  shapes: Shapes,
  name: string,
  { contextWidth, timeWidth }: TextTimeEmbeddingOptions,
): void {
  addNormShapes(shapes, `${name}.norm1`, contextWidth);
  shapes.set(`${name}.pool.positional_embedding`, [1, contextWidth]);
  for (const projection of ['k_proj', 'q_proj', 'v_proj'])
    addLinearShapes(shapes, `${name}.pool.${projection}`, contextWidth, contextWidth);
  addLinearShapes(shapes, `${name}.proj`, contextWidth, timeWidth);
  addNormShapes(shapes, `${name}.norm2`, timeWidth);
}

/**
 * The whole prompt as one vector beside the time embedding: context [N, T, D] -> [N, E]. Its mean asks all tokens, itself
 * among them, in one attention. The caller owns the result. Source: diffusers, TextTimeEmbedding (as in DeepFloyd IF)
 */
export function textTimeEmbedding(context: Tensor3D, w: Weights, heads: number): Tensor2D {
  const tokens = layerNorm(context, w.at('norm1'), 1e-5);
  const pool = w.at('pool');
  const asked = add<Tensor3D>(mean(tokens, 1, true), pool.get('positional_embedding')); // [N, 1, D]
  const all = concat([asked, tokens], 1); // [N, 1 + T, D]
  const [q, k, v] = [linear(asked, pool.at('q_proj')), linear(all, pool.at('k_proj')), linear(all, pool.at('v_proj'))];
  const pooled = reshape(attention(q, k, v, { heads }), [context.shape[0], -1]) as Tensor2D;
  return layerNorm(linear(pooled, w.at('proj')), w.at('norm2'), 1e-5);
}
