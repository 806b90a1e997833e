import type { RandomStream } from '../random.ts';
import { type ParameterLayout, parameterCount, sizeOf } from './flatParameters.ts';

/** Layers that end a residual branch start at zero, so that the network starts as the identity. Source: arXiv 2105.05233. */
const endsBranch = /(conv_out|conv2|proj_out|controlnet_down_blocks\.\d+|controlnet_mid_block)\.weight$/;

/** Deviation of the starting values of embeddings, by the end of their name. */
const embeddings: readonly (readonly [ending: string, deviation: number])[] = [
  ['token_embedding.weight', 1],
  ['position_embedding.weight', 0.3],
  ['class_embedding', 0.02],
  ['positional_embedding', 0.02],
];

/**
 * Starting values of every parameter, in the layout's order. Token embeddings N(0, 1), so that words differ from the
 * start, positions N(0, 0.3^2), class embeddings N(0, 0.02^2); kernels and matrices uniform in
 * +-1/sqrt(fan in), as PyTorch's layers; norms 1; CLIP's `logit_scale` ln(1 / 0.07); biases and ends of residual
 * branches 0. Kernels are HWIO, matrices [out, in].
 */
export function initialise(layout: ParameterLayout, random: RandomStream): Float32Array<ArrayBuffer> {
  const values = new Float32Array(parameterCount(layout));
  let offset = 0;
  for (const { name, shape } of layout) {
    const end = offset + sizeOf(shape);
    const deviation = embeddings.find(([ending]) => name.endsWith(ending))?.[1];
    if (deviation !== undefined) for (let i = offset; i < end; i++) values[i] = deviation * random.normal();
    else if (shape.length >= 2 && !endsBranch.test(name)) {
      const fanIn = shape.length === 4 ? sizeOf(shape.slice(0, 3)) : shape[1]!;
      for (let i = offset; i < end; i++) values[i] = (random.uniform() * 2 - 1) / Math.sqrt(fanIn);
    } else if (shape.length === 1 && name.endsWith('.weight')) values.fill(1, offset, end);
    else if (name.endsWith('logit_scale')) values[offset] = Math.log(1 / 0.07);
    offset = end;
  }
  return values;
}
