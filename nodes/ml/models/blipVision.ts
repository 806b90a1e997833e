import { layerNorm } from '../nn/layerNorm.ts';
import { recompute } from '../nn/recompute.ts';
import { sequence } from '../nn/sequence.ts';
import { reshape, type Tensor2D, type Tensor3D, type Tensor4D } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { patchTokens } from './patchTokens.ts';
import { addTransformerLayerShapes, transformerLayer } from './transformerLayer.ts';
import { addConvShapes, addNormShapes, type MemoryOptions, type Shapes } from './unetBlocks.ts';

export interface BlipVisionConfig {
  /** Side of its images in pixels, and of a patch. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** Width between the two matrices of an mlp. */
  readonly inner: number;
}

const EPS = 1e-6;

/** Names and shapes of the weights below `visual_encoder`, see `imageRewardNames`. */
export function blipVisionShapes({ imageSize, patchSize, width, depth, inner }: BlipVisionConfig): Shapes {
  const shapes: Shapes = new Map();
  shapes.set('visual_encoder.cls_token', [1, 1, width]);
  shapes.set('visual_encoder.pos_embed', [1, Math.floor(imageSize / patchSize) ** 2 + 1, width]);
  addConvShapes(shapes, 'visual_encoder.patch_embed.proj', 3, width, patchSize);
  for (let i = 0; i < depth; i++) addTransformerLayerShapes(shapes, `visual_encoder.layers.${i}`, width, inner);
  addNormShapes(shapes, 'visual_encoder.norm', width);
  return shapes;
}

/**
 * BLIP's vision transformer. pixels [N, S, S, 3], normalised -> all tokens, normed: [N, T, C]. Call it in a tidy; the caller
 * owns the result. Source: arXiv 2010.11929; arXiv 2201.12086, section 3.1
 */
export function blipVision(w: Weights, config: BlipVisionConfig, memory: MemoryOptions = {}) {
  const { heads, width, depth } = config;
  return (pixels: Tensor4D): Tensor3D => {
    const [batch] = pixels.shape;
    const options = { heads, eps: EPS, activation: 'gelu', batch, ...sliced(memory) } as const;
    const layers = Array.from({ length: depth }, (_, i) => (x: Tensor2D) => {
      const layer = (rows: Tensor2D) => transformerLayer(rows, w.at(`layers.${i}`), options);
      return memory.recompute ? recompute(layer, [x]) : layer(x);
    });
    const tokens = patchTokens(pixels, w.at('patch_embed.proj'), w.get('cls_token'), w.get('pos_embed'));
    const rows = sequence<Tensor2D>(reshape(tokens, [-1, width]), layers); // [N T, C]
    return reshape(layerNorm(rows, w.at('norm'), EPS), [batch, -1, width]);
  };
}

function sliced({ sliceBytes }: MemoryOptions): { sliceBytes?: number } {
  return sliceBytes === undefined ? {} : { sliceBytes };
}
