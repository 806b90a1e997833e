import { gelu } from '../nn/activations.ts';
import { attention } from '../nn/attention.ts';
import { embedding } from '../nn/embedding.ts';
import { layerNorm } from '../nn/layerNorm.ts';
import { linear } from '../nn/linear.ts';
import { recompute } from '../nn/recompute.ts';
import { residual } from '../nn/residual.ts';
import { sequence } from '../nn/sequence.ts';
import { add, reshape, slice, type Tensor2D, type Tensor3D, type Tensor4D, tensor2d, tensor4d } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { addLinearShapes, addNormShapes, type MemoryOptions, type Shapes } from './unetBlocks.ts';
import { type Json, MOST_LAYERS, reader } from './unetConfig.ts';

/** med_config.json: a BERT with cross-attention to an image. */
export interface BertReaderConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly max_position_embeddings: number;
  readonly layer_norm_eps: number;
}

/** Reads med_config.json over the values of BERT base. Throws UserError `BAD_CONFIG` or `UNSUPPORTED`. */
export function bertReaderConfig(json: Json): BertReaderConfig {
  const read = reader('BERT with cross-attention', json);
  if ((json.hidden_act ?? 'gelu') !== 'gelu') throw read.unsupported('hidden_act', json.hidden_act);
  if (json.add_cross_attention === false) throw read.unsupported('add_cross_attention', false);
  const config: BertReaderConfig = {
    vocab_size: read.count('vocab_size', 30524),
    hidden_size: read.count('hidden_size', 768),
    intermediate_size: read.count('intermediate_size', 3072),
    num_hidden_layers: read.count('num_hidden_layers', 12, MOST_LAYERS),
    num_attention_heads: read.count('num_attention_heads', 12),
    max_position_embeddings: read.count('max_position_embeddings', 512),
    layer_norm_eps: read.number('layer_norm_eps', 1e-12),
  };
  const { hidden_size: width, num_attention_heads: heads } = config;
  if (width % heads) throw read.bad(`"hidden_size" is ${width}, which ${heads} heads cannot share evenly`);
  return config;
}

/** Names and shapes of the weights; `imageWidth` is the width of the tokens of the image. */
export function bertReaderShapes(config: BertReaderConfig, imageWidth: number): Shapes {
  const { hidden_size: width, intermediate_size: inner } = config;
  const shapes: Shapes = new Map();
  shapes.set('text_encoder.embeddings.word_embeddings.weight', [config.vocab_size, width]);
  shapes.set('text_encoder.embeddings.position_embeddings.weight', [config.max_position_embeddings, width]);
  addNormShapes(shapes, 'text_encoder.embeddings.LayerNorm', width);
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `text_encoder.encoder.layer.${i}`;
    for (const [kind, seen] of [
      ['attention', width],
      ['crossattention', imageWidth],
    ] as const) {
      addLinearShapes(shapes, `${layer}.${kind}.self.query`, width, width);
      addLinearShapes(shapes, `${layer}.${kind}.self.key`, seen, width);
      addLinearShapes(shapes, `${layer}.${kind}.self.value`, seen, width);
      addLinearShapes(shapes, `${layer}.${kind}.output.dense`, width, width);
      addNormShapes(shapes, `${layer}.${kind}.output.LayerNorm`, width);
    }
    addLinearShapes(shapes, `${layer}.intermediate.dense`, width, inner);
    addLinearShapes(shapes, `${layer}.output.dense`, inner, width);
    addNormShapes(shapes, `${layer}.output.LayerNorm`, width);
  }
  return shapes;
}

/** Token ids of prompts, all rows of one length, and where each of them ends (the first place of padding). */
export interface PromptTokens {
  readonly ids: readonly (readonly number[])[];
  readonly ends: readonly number[];
}

/**
 * BERT whose layers attend to the text, then to the image: prompts of N rows of T tokens and their images' tokens
 * [N, S, D] -> last hidden state [N, T, C]. Padding is hidden from the text. Differentiable with respect to the image.
 * Call it in a tidy; the caller owns the result.
 * Source: arXiv 2201.12086, section 3.1; salesforce/BLIP, models/med.py, BertModel
 */
export function bertReader(w: Weights, config: BertReaderConfig, memory: MemoryOptions = {}) {
  const { hidden_size: width, num_attention_heads: heads, layer_norm_eps: eps, num_hidden_layers: count } = config;
  const embeddings = w.at('embeddings');

  return ({ ids, ends }: PromptTokens, image: Tensor3D): Tensor3D => {
    const [batch, length] = [ids.length, ids[0]?.length ?? 0];
    const words = embedding(tensor2d(ids.map((row) => [...row]), [batch, length], 'int32'), embeddings.at('word_embeddings')); // biome-ignore format: one line
    const places = slice(embeddings.get('position_embeddings.weight') as Tensor2D, 0, length); // [T, C]
    const start = layerNorm(add(words, places) as Tensor3D, embeddings.at('LayerNorm'), eps);
    const seen: Tensor2D = reshape(image, [-1, image.shape[2]]); // [N S, D]
    const look = { heads, batch, ...(memory.sliceBytes && { sliceBytes: memory.sliceBytes }) };
    const layers = Array.from({ length: count }, (_, i) => (x: Tensor2D) => {
      const block = w.at(`encoder.layer.${i}`);
      const layer = (rows: Tensor2D, tokens: Tensor2D): Tensor2D => {
        const mask = paddingMask(ends, length); // [N, 1, 1, T], made again in the backward pass
        const read = attend(rows, rows, block.at('attention'), { ...look, mask }, eps);
        const compared = attend(read, tokens, block.at('crossattention'), look, eps);
        const inner = gelu(linear(compared, block.at('intermediate.dense')));
        return normedSum(inner, compared, block.at('output'), eps);
      };
      return memory.recompute ? recompute(layer, [x, seen]) : layer(x, seen);
    });
    return reshape(sequence<Tensor2D>(reshape(start, [-1, width]), layers), [batch, length, width]);
  };
}

/** norm(x + attention of x to `seen`) */
function attend(
  x: Tensor2D,
  seen: Tensor2D,
  w: Weights,
  options: Parameters<typeof attention>[3],
  eps: number,
): Tensor2D {
  const [k, v] = [linear(seen, w.at('self.key')), linear(seen, w.at('self.value'))];
  return normedSum(attention(linear(x, w.at('self.query')), k, v, options), x, w.at('output'), eps);
}

/** norm(x + dense(y)) */
function normedSum(y: Tensor2D, x: Tensor2D, w: Weights, eps: number): Tensor2D {
  return layerNorm(residual(x, linear(y, w.at('dense'))), w.at('LayerNorm'), eps);
}

/** 0 for tokens of the text, -10000 for padding: [N, 1, 1, T]. */
function paddingMask(ends: readonly number[], length: number): Tensor4D {
  const values = ends.flatMap((end) => Array.from({ length }, (_, place) => (place < end ? 0 : -10000)));
  return tensor4d(values, [ends.length, 1, 1, length]);
}
