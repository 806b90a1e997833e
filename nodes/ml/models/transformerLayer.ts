import { gelu, quickGelu } from '../nn/activations.ts';
import { attention } from '../nn/attention.ts';
import { layerNorm } from '../nn/layerNorm.ts';
import { linear } from '../nn/linear.ts';
import { residual } from '../nn/residual.ts';
import type { Tensor2D, Tensor3D, Tensor4D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addLinearShapes, addNormShapes, type Shapes } from './unetBlocks.ts';

/** Activations of a transformer's inner layer, as configs name them. */
export type Activation = 'gelu' | 'quick_gelu';
const activations = { gelu, quick_gelu: quickGelu } as const;

interface TransformerLayerOptions {
  readonly heads: number;
  readonly eps: number;
  readonly activation: Activation;
  /** N, where x is given as rows [N T, C]. */
  readonly batch?: number;
  /** See `attention`. */
  readonly mask?: Tensor4D;
  readonly sliceBytes?: number;
}

/**
 * h = x + attention(norm1 x),  y = h + mlp(norm2 h), the layer of CLIP's encoders, of ViT and of GPT-2.
 * x [N, T, C] or [N T, C] -> the same shape. The caller owns the result, and what is made on the way outside of a tidy.
 * Source: arXiv 2010.11929, equations 2 and 3; names of transformers, CLIPEncoderLayer
 */
export function transformerLayer<T extends Tensor2D | Tensor3D>(x: T, w: Weights, options: TransformerLayerOptions): T {
  const { eps, activation, ...attending } = options;
  const normed = layerNorm(x, w.at('layer_norm1'), eps);
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) => linear(normed, w.at(`self_attn.${name}`)));
  const mixed = attention(q as T, k as T, v as T, attending);
  const h = residual(x, linear(mixed, w.at('self_attn.out_proj')));
  const inner = activations[activation](linear(layerNorm(h, w.at('layer_norm2'), eps), w.at('mlp.fc1')));
  return residual(h, linear(inner, w.at('mlp.fc2')));
}

/** `inner` is the width between the two matrices of the mlp. */
export function addTransformerLayerShapes(shapes: Shapes, name: string, width: number, inner: number): void {
  for (const projection of ['q_proj', 'k_proj', 'v_proj', 'out_proj'])
    addLinearShapes(shapes, `${name}.self_attn.${projection}`, width, width);
  addNormShapes(shapes, `${name}.layer_norm1`, width);
  addLinearShapes(shapes, `${name}.mlp.fc1`, width, inner);
  addLinearShapes(shapes, `${name}.mlp.fc2`, inner, width);
  addNormShapes(shapes, `${name}.layer_norm2`, width);
}
