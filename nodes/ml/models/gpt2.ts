import { quote } from '../../quote.ts';
import { attention } from '../nn/attention.ts';
import { embedding } from '../nn/embedding.ts';
import { layerNorm } from '../nn/layerNorm.ts';
import { project } from '../nn/linear.ts';
import { residual } from '../nn/residual.ts';
import {
  add,
  concat,
  mul,
  slice,
  split,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor1d,
  tensor4d,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addNormShapes, type Shapes } from './unetBlocks.ts';
import { type Json, MOST_LAYERS, reader } from './unetConfig.ts';

/** config.json of a GPT-2 (transformers' GPT2Config). */
export interface Gpt2Config {
  readonly vocab_size: number;
  /** The context window, in tokens. */
  readonly n_positions: number;
  readonly n_embd: number;
  readonly n_layer: number;
  readonly n_head: number;
  readonly n_inner: number;
  readonly layer_norm_epsilon: number;
  /** The token before an empty text. */
  readonly bos_token_id: number;
  /** Any of these ends a text. */
  readonly eos_token_id: readonly number[];
}

/** The largest window: a mask of its square is made. Published models have 1024. */
const MOST_POSITIONS = 8192;

/** What else a config can state, and the only values that are supported. Source: transformers, GPT2Config */
const only: Readonly<Record<string, unknown>> = {
  activation_function: 'gelu_new',
  add_cross_attention: false,
  scale_attn_weights: true,
  scale_attn_by_inverse_layer_idx: false,
  tie_word_embeddings: true,
};

/** Reads config.json over transformers' defaults. Throws UserError `BAD_CONFIG` or `UNSUPPORTED`. */
export function gpt2Config(json: Json): Gpt2Config {
  if (json.model_type !== 'gpt2') throw reader('text model', json).unsupported('model_type', json.model_type ?? null);
  const read = reader('GPT-2', json);
  for (const [field, value] of Object.entries(only))
    if ((json[field] ?? value) !== value) throw read.unsupported(field, json[field]);
  const width = read.count('n_embd', 768);
  const ends = [json.eos_token_id ?? 50256].flat();
  const config: Gpt2Config = {
    vocab_size: read.count('vocab_size', 50257),
    n_positions: read.count('n_positions', 1024, MOST_POSITIONS),
    n_embd: width,
    n_layer: read.count('n_layer', 12, MOST_LAYERS),
    n_head: read.count('n_head', 12),
    n_inner: read.count('n_inner', 4 * width),
    layer_norm_epsilon: read.number('layer_norm_epsilon', 1e-5),
    bos_token_id: read.number('bos_token_id', 50256),
    eos_token_id: ends as number[],
  };
  if (!ends.every(Number.isInteger))
    throw read.bad(`"eos_token_id" is ${quote(json.eos_token_id)}, and the number of a token is needed`);
  if (width % config.n_head) throw read.bad(`"n_embd" is ${width}, which ${config.n_head} heads cannot share evenly`);
  return config;
}

/** Names and shapes of the weights, as in the file; matrices are [in, out]. */
export function gpt2Shapes({ vocab_size, n_positions, n_embd: width, n_layer, n_inner: inner }: Gpt2Config): Shapes {
  const shapes: Shapes = new Map([
    ['wte.weight', [vocab_size, width]],
    ['wpe.weight', [n_positions, width]],
  ]);
  const addShapes = (name: string, from: number, to: number) =>
    shapes.set(`${name}.weight`, [from, to]).set(`${name}.bias`, [to]);
  for (let i = 0; i < n_layer; i++) {
    addNormShapes(shapes, `h.${i}.ln_1`, width);
    addShapes(`h.${i}.attn.c_attn`, width, 3 * width);
    addShapes(`h.${i}.attn.c_proj`, width, width);
    addNormShapes(shapes, `h.${i}.ln_2`, width);
    addShapes(`h.${i}.mlp.c_fc`, width, inner);
    addShapes(`h.${i}.mlp.c_proj`, inner, width);
  }
  addNormShapes(shapes, 'ln_f', width);
  return shapes;
}

/** Keys and values of the tokens read so far, each [S, C]; one entry a layer, none before the first token. */
export type Gpt2Past = { keys: Tensor2D; values: Tensor2D }[];

/** GPT-2 over one text. Call both in a tidy; the caller owns all results. */
export interface Gpt2 {
  /** T further token ids after the S of `past` -> their states [T, C], and the past of all S + T, at most the window. */
  read(ids: readonly number[], past?: Gpt2Past): { states: Tensor2D; past: Gpt2Past };
  /** States [T, C] -> how likely each token of the vocabulary comes next, before the softmax: [T, V]. */
  logits(states: Tensor2D): Tensor2D;
}

/**
 * A causal transformer over token ids that predicts the next one. Because a token attends only to earlier ones, the keys
 * and values of a text stay valid when it grows.
 *
 *   x = E[ids] + P[S .. S + T],  x = block(x) for each layer,  states = norm(x),  logits = states E^T
 *
 * E [V, C] embeddings of tokens, P [window, C] of positions, S tokens read before, T now, V tokens of the vocabulary.
 * Source: Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.3; transformers,
 * GPT2LMHeadModel
 */
export function gpt2(w: Weights, config: Gpt2Config): Gpt2 {
  const { n_layer, n_positions, layer_norm_epsilon: eps } = config;
  const layers = Array.from({ length: n_layer }, (_, i) => w.at(`h.${i}`));
  return {
    read(ids, past = []) {
      const seen = past[0]?.keys.shape[0] ?? 0;
      if (seen + ids.length > n_positions)
        throw new Error(`${seen + ids.length} tokens for a GPT-2 of ${n_positions} positions.`);
      const words = embedding(tensor1d([...ids], 'int32'), w.at('wte')) as Tensor2D; // [T, C]
      const places = slice(w.get('wpe.weight') as Tensor2D, [seen, 0], [ids.length, -1]); // [T, C]
      const mask = ids.length > 1 ? causalMask(ids.length, seen) : undefined;
      let states = add(words, places) as Tensor2D;
      const all: Gpt2Past = [];
      for (const [i, layer] of layers.entries()) {
        const next = block(states, layer, past[i], { heads: config.n_head, eps, mask });
        states = next.states;
        all.push(next.past);
      }
      return { states: layerNorm(states, w.at('ln_f'), eps), past: all };
    },
    logits: (states) =>
      project(
        { x: states, weight: w.get('wte.weight') as Tensor2D, bias: undefined },
        { transposed: true },
      ) as Tensor2D,
  };
}

/** h = x + attention(norm1 x),  y = h + mlp(norm2 h): [T, C] -> [T, C]. Source: transformers, GPT2Block */
function block(
  x: Tensor2D,
  w: Weights,
  past: Gpt2Past[number] | undefined,
  { heads, eps, mask }: { heads: number; eps: number; mask: Tensor4D | undefined },
): { states: Tensor2D; past: Gpt2Past[number] } {
  const [q, k, v] = split(conv1d(layerNorm(x, w.at('ln_1'), eps), w.at('attn.c_attn')), 3, 1) as [
    Tensor2D,
    Tensor2D,
    Tensor2D,
  ];
  const keys = past ? concat([past.keys, k], 0) : k; // [S + T, C]
  const values = past ? concat([past.values, v], 0) : v;
  const mixed = attention(q, keys, values, { heads, batch: 1, ...(mask && { mask }) });
  const h = residual(x, conv1d(mixed, w.at('attn.c_proj')));
  const inner = geluNew(conv1d(layerNorm(h, w.at('ln_2'), eps), w.at('mlp.c_fc')));
  return { states: residual(h, conv1d(inner, w.at('mlp.c_proj'))), past: { keys, values } };
}

/** y = x W + b with W [in, out], as GPT-2 stores its matrices. Source: transformers, Conv1D */
function conv1d(x: Tensor2D, w: Weights): Tensor2D {
  const [weight, bias] = [w.get('weight') as Tensor2D, w.get('bias') as Tensor1D];
  return project({ x, weight, bias }, { transposed: false }) as Tensor2D;
}

/** x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. Source: arXiv 1606.08415, section 2; transformers, NewGELUActivation */
function geluNew(x: Tensor2D): Tensor2D {
  const cubic = add(x, mul(mul(mul(x, x), x), 0.044715));
  return mul(mul(x, 0.5), add(tanh(mul(cubic, Math.sqrt(2 / Math.PI))), 1));
}

/** 0 where one of T tokens sees one of S + T, itself and what came before; hugely negative elsewhere: [1, 1, T, S + T]. */
function causalMask(length: number, seen: number): Tensor4D {
  const width = seen + length;
  const hidden = new Float32Array(length * width);
  for (let row = 0; row < length; row++) hidden.fill(-1e30, row * width + seen + row + 1, (row + 1) * width);
  return tensor4d(hidden, [1, 1, length, width]);
}
