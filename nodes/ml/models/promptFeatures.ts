import type { Tokenizer } from '../text/tokenizer.ts';
import { unreadPart } from '../text/unreadPart.ts';
import { concat, dispose, keep, Tensor, type Tensor2D, type Tensor3D, tidy } from '../tf.ts';
import type { ClipTextConfig, clipText } from './clipText.ts';

/** The features of one prompt that condition a diffusion model. */
export interface PromptFeatures {
  /** [1, T, C] */
  readonly context: Tensor3D;
  /** SDXL's pooled embedding [1, P]. */
  readonly pooled: Tensor2D | undefined;
}

/** A tokenizer with the encoder it belongs to. */
export interface PromptEncoder {
  readonly tokenizer: Tokenizer;
  readonly config: ClipTextConfig;
  readonly encode: ReturnType<typeof clipText>;
  /** Last layers whose states the diffusion model does not see. */
  readonly skip: number;
}

/** What tells how a prompt is cut into tokens. */
type Reader = Pick<PromptEncoder, 'tokenizer' | 'config'>;

/** Ids of a prompt, as long as both the tokenizer and the encoder allow. */
export function promptIds(prompt: string, encoder: Reader): number[] {
  return encoder.tokenizer.encode(prompt, promptLength(encoder));
}

/** The end of a prompt that one of the encoders does not read; '' where all read it all. */
export function unreadBy(prompt: string, encoders: readonly Reader[]): string {
  const parts = encoders.map((encoder) => unreadPart(prompt, encoder.tokenizer, promptLength(encoder)));
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

function promptLength({ tokenizer, config }: Reader): number {
  return Math.min(tokenizer.maxLength, config.max_position_embeddings);
}

/** Stable Diffusion 1 and 2: the last state, or the one `skip` layers before, after the final norm. The caller owns the result. */
export function stableDiffusionFeatures(prompt: string, encoder: PromptEncoder): PromptFeatures {
  const context = tidy(() => encoder.encode([promptIds(prompt, encoder)], encoder).lastHiddenState);
  return { context, pooled: undefined };
}

/**
 * SDXL: the states of all encoders `skip` layers before the last (1 as it was trained) side by side, without the final norm;
 * and the last encoder's projected state at the end token. The caller owns the result. Source: arXiv 2307.01952, section 2.1
 */
export function stableDiffusionXLFeatures(prompt: string, encoders: readonly PromptEncoder[]): PromptFeatures {
  return tidy(() => {
    const outputs = encoders.map((encoder) => encoder.encode([promptIds(prompt, encoder)]));
    const states = outputs.map(({ hiddenStates }, i) => hiddenStates.at(-1 - encoders[i]!.skip)!);
    return { context: concat(states, 2), pooled: outputs.at(-1)?.textEmbeds };
  });
}

/** Keeps the features of the last `capacity` prompts. It owns the features it returns, which are valid until `capacity` more prompts. */
export function cacheFeatures<F extends Tensor | PromptFeatures>(compute: (prompt: string) => F, capacity: number) {
  const known = new Map<string, F>();
  return {
    of(prompt: string): F {
      const features = known.get(prompt) ?? keepFeatures(compute(prompt));
      known.delete(prompt);
      known.set(prompt, features); // the map is in order of last use
      return features;
    },
    /** Frees the prompts that were not used for longest, down to the capacity. */
    trim(): void {
      for (const [prompt, features] of known) {
        if (known.size <= capacity) return;
        known.delete(prompt);
        dispose(listTensors(features));
      }
    },
    dispose(): void {
      for (const features of known.values()) dispose(listTensors(features));
      known.clear();
    },
  };
}

/** Keeps tensors alive that are made inside a caller's tidy or gradient. */
function keepFeatures<F extends Tensor | PromptFeatures>(features: F): F {
  for (const tensor of listTensors(features)) keep(tensor);
  return features;
}

function listTensors(features: Tensor | PromptFeatures): Tensor[] {
  return features instanceof Tensor ? [features] : Object.values(features).filter((each) => each !== undefined);
}
