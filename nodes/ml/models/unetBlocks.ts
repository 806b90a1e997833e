import { geglu } from '../nn/activations.ts';
import { attention } from '../nn/attention.ts';
import { conv2d } from '../nn/conv2d.ts';
import { groupNorm } from '../nn/groupNorm.ts';
import { layerNorm } from '../nn/layerNorm.ts';
import { linear } from '../nn/linear.ts';
import { plainly, recompute } from '../nn/recompute.ts';
import { addPerImage, residual } from '../nn/residual.ts';
import { add, div, mul, reshape, type Tensor2D, type Tensor3D, type Tensor4D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';

/** How a model spends memory; results are the same. */
export interface MemoryOptions {
  /** Recomputes each block in the backward pass instead of keeping its activations. Weights then get no gradient. */
  readonly recompute?: boolean;
  /** Largest matrix of attention scores held at once, in bytes. */
  readonly sliceBytes?: number;
}

/** Names and shapes of weights as in the file: kernels [out, in, kh, kw], matrices [out, in]. */
export type Shapes = Map<string, readonly number[]>;

export interface ResnetOptions {
  readonly groups: number;
  readonly eps: number;
  /** Divides the result. */
  readonly scale?: number;
}

/**
 * (shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + time)))) / scale with 3x3 convolutions; the time embedding comes
 * in already through silu. x [N, H, W, C], time [N, E] -> [N, H, W, D]. Source: diffusers, ResnetBlock2D
 */
export function resnetBlock(
  x: Tensor4D,
  time: Tensor2D,
  w: Weights,
  { groups, eps, scale = 1 }: ResnetOptions,
): Tensor4D {
  const h = conv2d(groupNorm(x, w.at('norm1'), groups, eps, 'silu'), w.at('conv1'), { padding: 1 }); // [N, H, W, D]
  const timed = addPerImage(h, linear(time, w.at('time_emb_proj')));
  const y = conv2d(groupNorm(timed, w.at('norm2'), groups, eps, 'silu'), w.at('conv2'), { padding: 1 });
  const sum = residual(w.has('conv_shortcut.weight') ? conv2d(x, w.at('conv_shortcut')) : x, y);
  return scale === 1 ? sum : div(sum, scale);
}

export function addResnetShapes(shapes: Shapes, name: string, from: number, to: number, timeWidth: number): void {
  addNormShapes(shapes, `${name}.norm1`, from);
  addConvShapes(shapes, `${name}.conv1`, from, to, 3);
  addLinearShapes(shapes, `${name}.time_emb_proj`, timeWidth, to);
  addNormShapes(shapes, `${name}.norm2`, to);
  addConvShapes(shapes, `${name}.conv2`, to, to, 3);
  if (from !== to) addConvShapes(shapes, `${name}.conv_shortcut`, from, to, 1);
}

/** Tokens of images or of a user, which every attention to the text attends to besides. */
export interface ImageTokens<T extends Tensor2D | Tensor3D> {
  /** [N, U, D], or as rows [N U, D]. */
  readonly tokens: T;
  readonly scale: number;
}

interface SpatialTransformerOptions extends MemoryOptions {
  readonly heads: number;
  readonly layers: number;
  /** Projects in and out by matrices rather than 1x1 convolutions. */
  readonly linearProjection: boolean;
  readonly groups: number;
}

/**
 * x + project(transformer blocks(project(norm(x)))) over the pixels as tokens. x [N, H, W, C], context [N T, D] ->
 * [N, H, W, C]. Source: arXiv 2112.10752, section 3.3; diffusers, Transformer2DModel; decoupled attention to images:
 * arXiv 2308.06721, equation 4
 */
export function spatialTransformer(
  x: Tensor4D,
  context: Tensor2D,
  w: Weights,
  options: SpatialTransformerOptions,
  image?: ImageTokens<Tensor2D>,
): Tensor4D {
  const [n, height, width] = x.shape;
  const flattenPixels = (pixels: Tensor4D) => reshape(pixels, [n * height * width, -1]) as Tensor2D;
  const unflattenPixels = (rows: Tensor2D) => reshape(rows, [n, height, width, -1]) as Tensor4D;
  const [projectIn, projectOut] = [w.at('proj_in'), w.at('proj_out')];
  const normal = groupNorm(x, w.at('norm'), options.groups, 1e-6);
  let tokens = options.linearProjection
    ? linear(flattenPixels(normal), projectIn)
    : flattenPixels(conv2d(normal, projectIn));
  const run = options.recompute ? recompute : plainly; // tokens [N H W, inner]
  for (let i = 0; i < options.layers; i++) {
    const block = w.at(`transformer_blocks.${i}`);
    const apply = (input: Tensor2D, text: Tensor2D, tokens?: Tensor2D) =>
      transformerBlock(input, text, n, block, options, image && tokens && { ...image, tokens });
    tokens = image ? run(apply, [tokens, context, image.tokens] as const) : run(apply, [tokens, context] as const);
  }
  return residual(
    x,
    options.linearProjection
      ? unflattenPixels(linear(tokens, projectOut))
      : conv2d(unflattenPixels(tokens), projectOut),
  );
}

/** Self-attention, attention to the context, GEGLU network, each after a LayerNorm and added. [N T, C] -> [N T, C] */
function transformerBlock(
  x: Tensor2D,
  context: Tensor2D,
  batch: number,
  w: Weights,
  { heads, sliceBytes }: SpatialTransformerOptions,
  image: ImageTokens<Tensor2D> | undefined,
): Tensor2D {
  const mix = (q: Tensor2D, keys: Tensor2D, toKey: Weights, toValue: Weights) =>
    attention(q, linear(keys, toKey), linear(keys, toValue), { heads, batch, ...(sliceBytes && { sliceBytes }) });
  const attend = (queries: Tensor2D, keys: Tensor2D, part: Weights, image?: ImageTokens<Tensor2D>) => {
    const q = linear(queries, part.at('to_q'));
    const mixed = mix(q, keys, part.at('to_k'), part.at('to_v'));
    const seen = image && mul(mix(q, image.tokens, part.at('to_k_ip'), part.at('to_v_ip')), image.scale);
    return linear(seen ? add<Tensor2D>(mixed, seen) : mixed, part.at('to_out.0'));
  };
  const normal = (input: Tensor2D, i: number) => layerNorm(input, w.at(`norm${i}`), 1e-5);
  const first = normal(x, 1);
  const self = residual(x, attend(first, first, w.at('attn1')));
  const crossed = residual(self, attend(normal(self, 2), context, w.at('attn2'), image));
  return residual(crossed, linear(geglu(linear(normal(crossed, 3), w.at('ff.net.0.proj'))), w.at('ff.net.2')));
}

export function addSpatialTransformerShapes(
  shapes: Shapes,
  name: string,
  channels: number,
  options: Pick<SpatialTransformerOptions, 'heads' | 'layers' | 'linearProjection'> & { contextWidth: number },
): void {
  const { heads, layers, linearProjection, contextWidth } = options;
  const inner = heads * Math.floor(channels / heads);
  const project = (part: string, from: number, to: number) =>
    linearProjection
      ? addLinearShapes(shapes, `${name}.${part}`, from, to)
      : addConvShapes(shapes, `${name}.${part}`, from, to, 1);
  addNormShapes(shapes, `${name}.norm`, channels);
  project('proj_in', channels, inner);
  for (let i = 0; i < layers; i++) {
    const block = `${name}.transformer_blocks.${i}`;
    for (const [part, width] of [
      ['attn1', inner],
      ['attn2', contextWidth],
    ] as const) {
      // biome-ignore format: pairs
      addNormShapes(shapes, `${block}.norm${part === 'attn1' ? 1 : 2}`, inner);
      shapes.set(`${block}.${part}.to_q.weight`, [inner, inner]);
      shapes.set(`${block}.${part}.to_k.weight`, [inner, width]);
      shapes.set(`${block}.${part}.to_v.weight`, [inner, width]);
      addLinearShapes(shapes, `${block}.${part}.to_out.0`, inner, inner);
    }
    addNormShapes(shapes, `${block}.norm3`, inner);
    addLinearShapes(shapes, `${block}.ff.net.0.proj`, inner, 8 * inner);
    addLinearShapes(shapes, `${block}.ff.net.2`, 4 * inner, inner);
  }
  project('proj_out', inner, channels);
}

export function addNormShapes(shapes: Shapes, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]).set(`${name}.bias`, [width]);
}
export function addLinearShapes(shapes: Shapes, name: string, from: number, to: number): void {
  shapes.set(`${name}.weight`, [to, from]).set(`${name}.bias`, [to]);
}
export function addConvShapes(shapes: Shapes, name: string, from: number, to: number, size: number): void {
  shapes.set(`${name}.weight`, [to, from, size, size]).set(`${name}.bias`, [to]);
}
