import { embedding } from '../nn/embedding.ts';
import { layerNorm } from '../nn/layerNorm.ts';
import { linear } from '../nn/linear.ts';
import type { PromptToken } from '../text/promptChunk.ts';
import {
  add,
  gather,
  mul,
  reshape,
  slice,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor2d,
  tensor3d,
  tensor4d,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { type Activation, addTransformerLayerShapes, transformerLayer } from './transformerLayer.ts';
import { addNormShapes, type Shapes } from './unetBlocks.ts';
import { type Json, MOST_LAYERS, reader } from './unetConfig.ts';

/** config.json of a CLIP text encoder (transformers' CLIPTextConfig). */
export interface ClipTextConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly max_position_embeddings: number;
  readonly hidden_act: Activation;
  readonly layer_norm_eps: number;
  readonly projection_dim: number;
  readonly eos_token_id: number;
  /** Whether the pooled state is projected: in `CLIPTextModelWithProjection` and `CLIPModel`. */
  readonly projected: boolean;
}

/** Reads config.json over transformers' defaults. Throws UserError `BAD_CONFIG` or `UNSUPPORTED`. */
export function clipTextConfig(json: Json): ClipTextConfig {
  const read = reader('CLIP text encoder', json);
  const activation = json.hidden_act ?? 'quick_gelu';
  if (activation !== 'gelu' && activation !== 'quick_gelu') throw read.unsupported('hidden_act', activation);
  const config: ClipTextConfig = {
    vocab_size: read.count('vocab_size', 49408),
    hidden_size: read.count('hidden_size', 512),
    intermediate_size: read.count('intermediate_size', 2048),
    num_hidden_layers: read.count('num_hidden_layers', 12, MOST_LAYERS),
    num_attention_heads: read.count('num_attention_heads', 8),
    max_position_embeddings: read.count('max_position_embeddings', 77),
    hidden_act: activation,
    layer_norm_eps: read.number('layer_norm_eps', 1e-5),
    projection_dim: read.count('projection_dim', 512),
    eos_token_id: read.number('eos_token_id', 49407),
    projected: ![json.architectures ?? 'CLIPTextModel'].flat().includes('CLIPTextModel'),
  };
  const { hidden_size: width, num_attention_heads: heads } = config;
  if (width % heads) throw read.bad(`"hidden_size" is ${width}, which ${heads} heads cannot share evenly`);
  return config;
}

/** Names and shapes of the weights, as in the file. */
export function clipTextShapes(config: ClipTextConfig): Shapes {
  const { hidden_size: width, intermediate_size: inner } = config;
  const shapes: Shapes = new Map();
  shapes.set('text_model.embeddings.token_embedding.weight', [config.vocab_size, width]);
  shapes.set('text_model.embeddings.position_embedding.weight', [config.max_position_embeddings, width]);
  for (let i = 0; i < config.num_hidden_layers; i++)
    addTransformerLayerShapes(shapes, `text_model.encoder.layers.${i}`, width, inner);
  addNormShapes(shapes, 'text_model.final_layer_norm', width);
  if (config.projected) shapes.set('text_projection.weight', [config.projection_dim, width]);
  return shapes;
}

export interface ClipTextOutput {
  /** The embeddings, then the output of every layer, before the final norm: layers + 1 of [N, T, C]. */
  readonly hiddenStates: readonly Tensor3D[];
  /** Final norm of the state `skip` layers before the last. [N, T, C] */
  readonly lastHiddenState: Tensor3D;
  /** The last layer's state after the final norm, at the end token. [N, C] */
  readonly pooled: Tensor2D;
  /** `pooled` projected, where the model does so. [N, P] */
  readonly textEmbeds: Tensor2D | undefined;
}

/**
 * CLIP's text encoder: a causal transformer over token ids, or vectors [C] in their place, all rows of one length T. `skip`
 * leaves out the last layers of `lastHiddenState` (diffusers' clip_skip). Padding takes part, as in the reference. The caller owns all results.
 * Source: arXiv 2103.00020, section 2.4; transformers, CLIPTextTransformer
 */
export function clipText(weights: Weights, config: ClipTextConfig) {
  const model = weights.at('text_model');
  const { num_attention_heads: heads, layer_norm_eps: eps, num_hidden_layers: count, hidden_act: activation } = config;
  const layers = Array.from({ length: count }, (_, i) => model.at(`encoder.layers.${i}`));

  return (rows: readonly (readonly PromptToken[])[], { skip = 0 } = {}): ClipTextOutput => {
    const length = rows[0]?.length ?? 0;
    if (length > config.max_position_embeddings)
      throw new Error(`${length} tokens for a text encoder of ${config.max_position_embeddings} positions.`);
    const tokens = tensor2d(
      rows.map((row) => row.map((token) => (typeof token === 'number' ? token : 0))),
      [rows.length, length],
      'int32',
    ); // [N, T]
    const words = insertVectors(embedding(tokens, model.at('embeddings.token_embedding')) as Tensor3D, rows);
    const places = slice(model.get('embeddings.position_embedding.weight') as Tensor2D, 0, length); // [T, C]
    const mask = causalMask(length); // [1, 1, T, T]
    const hiddenStates = [add(words, places) as Tensor3D];
    for (const layer of layers)
      hiddenStates.push(transformerLayer(hiddenStates.at(-1)!, layer, { heads, eps, activation, mask }));
    const normed = (skipped: number) => layerNorm(hiddenStates[count - skipped]!, model.at('final_layer_norm'), eps);
    const last = normed(0);
    const pooled = stateAtEnd(last, rows, config.eos_token_id); // [N, C]
    return {
      hiddenStates,
      lastHiddenState: skip === 0 ? last : normed(skip),
      pooled,
      textEmbeds: config.projected ? linear(pooled, weights.at('text_projection')) : undefined,
    };
  };
}

/** The embeddings [N, T, C] of token ids with vectors where a row has them. */
function insertVectors(words: Tensor3D, rows: readonly (readonly PromptToken[])[]): Tensor3D {
  if (rows.every((row) => row.every((token) => typeof token === 'number'))) return words;
  const [n, length, width] = words.shape;
  const [kept, given] = [new Float32Array(n * length).fill(1), new Float32Array(n * length * width)];
  for (const [place, token] of rows.flat().entries()) {
    if (typeof token === 'number') continue;
    kept[place] = 0;
    given.set(token, place * width);
  }
  return add(mul(words, tensor3d(kept, [n, length, 1])), tensor3d(given, [n, length, width]));
}

/** 0 on and below the diagonal, hugely negative above it: a token attends to itself and to earlier ones. */
function causalMask(length: number): Tensor4D {
  const hidden = Array.from({ length: length * length }, (_, i) => (i % length > Math.floor(i / length) ? -1e30 : 0));
  return tensor4d(hidden, [1, 1, length, length]);
}

/**
 * The state at the end token of every row: [N, T, C] -> [N, C]. Old configs state the end token 2, which no vocabulary
 * means by it; transformers then takes the place of the largest id.
 */
function stateAtEnd(states: Tensor3D, rows: readonly (readonly PromptToken[])[], endToken: number): Tensor2D {
  const [n, length, width] = states.shape;
  const places = rows.map((row, i) => {
    const ids = row.map((token) => (typeof token === 'number' ? token : -1));
    const place = ids.indexOf(endToken === 2 ? ids.reduce((a, b) => Math.max(a, b)) : endToken);
    return i * length + Math.max(place, 0);
  });
  return gather(reshape(states, [n * length, width]) as Tensor, places) as Tensor2D;
}
