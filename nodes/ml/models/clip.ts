import type { ClipTransformOptions } from '../image/clipTransform.ts';
import { div, matMul, mul, sqrt, square, sum, type Tensor, type Tensor1D, type Tensor2D, tidy } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { type ClipTextConfig, clipText, clipTextConfig, clipTextShapes } from './clipText.ts';
import { type ClipVisionConfig, clipVision, clipVisionConfig, clipVisionShapes } from './clipVision.ts';
import { type PromptEncoder, promptIds, unreadBy } from './promptFeatures.ts';
import type { MemoryOptions, Shapes } from './unetBlocks.ts';
import { type Json, reader } from './unetConfig.ts';

/** config.json of a CLIP: both encoders, or that of images alone. */
export interface ClipConfig {
  readonly vision: ClipVisionConfig;
  readonly text: ClipTextConfig | undefined;
}

/** How images of any size are prepared for the vision encoder. */
export type ClipPreprocessing = Required<ClipTransformOptions> & { readonly size: number };

/**
 * Reads config.json of a CLIPModel, or of a CLIPVisionModelWithProjection, over transformers' defaults.
 * Throws UserError `BAD_CONFIG` or `UNSUPPORTED`.
 */
export function clipConfig(json: Json): ClipConfig {
  if (json.model_type === 'clip_vision_model') return { vision: clipVisionConfig(json), text: undefined };
  if (json.model_type !== 'clip') throw reader('CLIP', json).unsupported('model_type', json.model_type ?? null);
  const projection_dim = reader('CLIP', json).count('projection_dim', 512);
  // Old configs state their encoders twice, and transformers believes the `_dict`.
  const part = (name: string): Json => ({
    ...(json[name] as Json | undefined),
    ...(json[`${name}_dict`] as Json | null | undefined),
    projection_dim,
  });
  return {
    vision: clipVisionConfig(part('vision_config')),
    text: clipTextConfig({ ...part('text_config'), architectures: ['CLIPModel'] }),
  };
}

/** Names and shapes of the weights of both encoders and of the scale of logits, as in the file. */
export function clipShapes({ vision, text }: ClipConfig): Shapes {
  const shapes = clipVisionShapes(vision);
  if (!text) return shapes;
  return new Map([...shapes, ...clipTextShapes(text), ['logit_scale', []]]);
}

/** Both encoders, ready to use. What they return is the caller's; call them in a tidy. */
export interface Clip {
  readonly encodeImage: ReturnType<typeof clipVision>;
  /** Projected features of prompts, not of unit length: N prompts -> [N, P]. */
  encodePrompts(prompts: readonly string[]): Tensor2D;
  /** The end of a prompt that is not read because it is too long; '' where all of it is. */
  unreadPart(prompt: string): string;
  /** Natural logarithm of the factor of the cosines, a scalar. */
  readonly logitScale: Tensor;
}

/** Source: arXiv 2103.00020, figure 3 */
export function clip(
  weights: Weights,
  config: ClipConfig & { readonly text: ClipTextConfig },
  tokenizer: PromptEncoder['tokenizer'],
  memory: MemoryOptions = {},
): Clip {
  const encoder = { tokenizer, config: config.text, encode: clipText(weights, config.text) };
  return {
    encodeImage: clipVision(weights, config.vision, memory),
    encodePrompts: (prompts) =>
      encoder.encode(prompts.map((prompt) => promptIds(prompt, encoder))).textEmbeds as Tensor2D,
    unreadPart: (prompt) => unreadBy(prompt, [encoder]),
    logitScale: weights.get('logit_scale'),
  };
}

/** Rows at unit length. x [N, P]; the caller owns the result. */
export function unitRows(x: Tensor2D): Tensor2D {
  return tidy(() => div(x, sqrt(sum(square(x), 1, true))));
}

/** Cosine of each row of `a` with the same row of `b`: [N, P], [N or 1, P] -> [N]. The caller owns the result. */
export function cosines(a: Tensor2D, b: Tensor2D): Tensor1D {
  return tidy(() => sum(mul(unitRows(a), unitRows(b)), 1));
}

/** Cosine of every row of `a` with every row of `b`: [N, P], [M, P] -> [N, M]. The caller owns the result. */
export function cosineTable(a: Tensor2D, b: Tensor2D): Tensor2D {
  return tidy(() => matMul(unitRows(a), unitRows(b), false, true));
}
