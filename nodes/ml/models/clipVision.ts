import { layerNorm } from '../nn/layerNorm.ts';
import { linear } from '../nn/linear.ts';
import { recompute } from '../nn/recompute.ts';
import { sequence } from '../nn/sequence.ts';
import { reshape, slice, type Tensor2D, type Tensor3D, type Tensor4D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { patchTokens } from './patchTokens.ts';
import { type Activation, addTransformerLayerShapes, transformerLayer } from './transformerLayer.ts';
import { addNormShapes, type MemoryOptions, type Shapes } from './unetBlocks.ts';
import { type Json, MOST_LAYERS, reader } from './unetConfig.ts';

/** config.json of a CLIP vision encoder (transformers' CLIPVisionConfig). */
export interface ClipVisionConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_channels: number;
  readonly image_size: number;
  readonly patch_size: number;
  readonly hidden_act: Activation;
  readonly layer_norm_eps: number;
  readonly projection_dim: number;
}

/** Reads config.json over transformers' defaults. Throws UserError `BAD_CONFIG` or `UNSUPPORTED`. */
export function clipVisionConfig(json: Json): ClipVisionConfig {
  const read = reader('CLIP vision encoder', json);
  const activation = json.hidden_act ?? 'quick_gelu';
  if (activation !== 'gelu' && activation !== 'quick_gelu') throw read.unsupported('hidden_act', activation);
  const config: ClipVisionConfig = {
    hidden_size: read.count('hidden_size', 768),
    intermediate_size: read.count('intermediate_size', 3072),
    num_hidden_layers: read.count('num_hidden_layers', 12, MOST_LAYERS),
    num_attention_heads: read.count('num_attention_heads', 12),
    num_channels: read.count('num_channels', 3),
    image_size: read.count('image_size', 224),
    patch_size: read.count('patch_size', 32),
    hidden_act: activation,
    layer_norm_eps: read.number('layer_norm_eps', 1e-5),
    projection_dim: read.count('projection_dim', 512),
  };
  const { hidden_size: width, num_attention_heads: heads, image_size: size, patch_size: patch } = config;
  if (width % heads) throw read.bad(`"hidden_size" is ${width}, which ${heads} heads cannot share evenly`);
  if (config.num_channels !== 3) throw read.unsupported('num_channels', config.num_channels);
  if (patch > size) throw read.bad(`"patch_size" is ${patch}, more than the ${size} pixels of "image_size"`);
  return config;
}

/** Names and shapes of the weights, as in the file. */
export function clipVisionShapes(config: ClipVisionConfig): Shapes {
  const { hidden_size: width, patch_size: patch } = config;
  const model = 'vision_model';
  const shapes: Shapes = new Map();
  shapes.set(`${model}.embeddings.class_embedding`, [width]);
  shapes.set(`${model}.embeddings.patch_embedding.weight`, [width, config.num_channels, patch, patch]);
  const tokens = Math.floor(config.image_size / patch) ** 2 + 1;
  shapes.set(`${model}.embeddings.position_embedding.weight`, [tokens, width]);
  addNormShapes(shapes, `${model}.pre_layrnorm`, width);
  for (let i = 0; i < config.num_hidden_layers; i++)
    addTransformerLayerShapes(shapes, `${model}.encoder.layers.${i}`, width, config.intermediate_size);
  addNormShapes(shapes, `${model}.post_layernorm`, width);
  shapes.set('visual_projection.weight', [config.projection_dim, width]);
  return shapes;
}

interface ClipVisionOutput {
  /** Of the last layer, before the final norm. [N, T, C] */
  readonly lastHiddenState: Tensor3D;
  /** The normed state of the whole image, projected; not of unit length. [N, P] */
  readonly imageEmbeds: Tensor2D;
}

/**
 * CLIP's vision encoder. pixels [N, S, S, 3], normalised, S = `image_size`. Call it in a tidy; the caller owns the results.
 * Source: arXiv 2103.00020, section 2.4; transformers, CLIPVisionTransformer
 */
export function clipVision(weights: Weights, config: ClipVisionConfig, memory: MemoryOptions = {}) {
  const model = weights.at('vision_model');
  const embeddings = model.at('embeddings');
  const { hidden_size: width, layer_norm_eps: eps, image_size: size } = config;

  return (pixels: Tensor4D): ClipVisionOutput => {
    const [count, height, breadth] = pixels.shape;
    if (height !== size || breadth !== size)
      throw new Error(`Images of ${breadth} x ${height} pixels for a vision encoder of ${size} x ${size}.`);
    const options = {
      heads: config.num_attention_heads,
      eps,
      activation: config.hidden_act,
      batch: count,
      ...(memory.sliceBytes && { sliceBytes: memory.sliceBytes }),
    };
    const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => (x: Tensor2D) => {
      const layer = (rows: Tensor2D) => transformerLayer(rows, model.at(`encoder.layers.${i}`), options);
      return memory.recompute ? recompute(layer, [x]) : layer(x);
    });
    const positions = embeddings.get('position_embedding.weight');
    const tokens = patchTokens(pixels, embeddings.at('patch_embedding'), embeddings.get('class_embedding'), positions);
    const rows: Tensor2D = reshape(layerNorm(tokens, model.at('pre_layrnorm'), eps), [-1, width]); // [N T, C]
    const lastHiddenState: Tensor3D = reshape(sequence(rows, layers), [count, -1, width]);
    const whole: Tensor2D = reshape(slice(lastHiddenState, [0, 0, 0], [count, 1, width]), [count, width]);
    const pooled = layerNorm(whole, model.at('post_layernorm'), eps);
    return { lastHiddenState, imageEmbeds: linear(pooled, weights.at('visual_projection')) };
  };
}
