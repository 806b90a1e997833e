import { frameChunk } from '../text/promptChunk.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { unreadPart } from '../text/unreadPart.ts';
import { concat, dispose, keep, reshape, slice, Tensor, type Tensor2D, type Tensor3D, tidy } from '../tf.ts';
import type { ClipTextConfig, ClipTextOutput, clipText } from './clipText.ts';
import { type PromptReading, readings, readPrompt } from './promptReader.ts';
import { weighA1111 } from './weighA1111.ts';
import { weighComfy } from './weighComfy.ts';

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

/** Tokens that a text encoder reads at once, start and end included. */
export function promptLength({ tokenizer, config }: Reader): number {
  return Math.min(tokenizer.maxLength, config.max_position_embeddings);
}

/**
 * Stable Diffusion 1 and 2: the last state, or the one `skip` layers before, after the final norm; chunks side by side along
 * the tokens. The caller owns the result.
 */
export function stableDiffusionFeatures(
  prompt: string,
  encoder: PromptEncoder,
  reading: PromptReading = readings.plain,
): PromptFeatures {
  const { states } = tidy(() => {
    const { lastHiddenState, ...encoded } = encodeChunks(prompt, encoder, 0, reading);
    return { states: encoded.weigh(lastHiddenState) };
  });
  return { context: states, pooled: undefined };
}

/**
 * SDXL: the states of all encoders `skip` layers before the last (1 as it was trained) side by side, without the final norm,
 * as long as the shorter of them; and the last encoder's projected state at the end token of the first chunk, without
 * weights. The caller owns the result. Source: arXiv 2307.01952, section 2.1
 */
export function stableDiffusionXLFeatures(
  prompt: string,
  encoders: readonly PromptEncoder[],
  reading: PromptReading = readings.plain,
): PromptFeatures {
  return tidy(() => {
    const encoded = encoders.map((encoder, i) => encodeChunks(prompt, encoder, i, reading));
    const states = encoded.map(({ hiddenStates, weigh }, i) => weigh(hiddenStates.at(-1 - encoders[i]!.skip)!));
    const length = Math.min(...states.map(({ shape }) => shape[1]));
    const even = states.map((each) => (each.shape[1] === length ? each : slice(each, 0, [1, length, -1])));
    const pooled = encoded.at(-1)?.textEmbeds;
    return { context: concat(even, 2), pooled: pooled && slice(pooled, 0, [1, -1]) };
  });
}

/** What an encoder says of the chunks of a prompt, and how weights act on its states [chunks, T, C] -> [1, chunks T, C]. */
function encodeChunks(
  prompt: string,
  encoder: PromptEncoder,
  index: number,
  reading: PromptReading,
): ClipTextOutput & { weigh(states: Tensor3D): Tensor3D } {
  const { tokenizer } = encoder;
  const length = promptLength(encoder);
  const chunks = readPrompt(prompt, { tokenizer, length, index }, reading);
  const weights = chunks.map((chunk) => chunk.weights);
  const besideEmpty = reading.style === 'comfy' && weights.some((row) => row.some((weight) => weight !== 1));
  const read = besideEmpty ? [...chunks, frameChunk([], length, tokenizer.marks)] : chunks;
  const output = encoder.encode(
    read.map(({ tokens }) => tokens),
    { skip: encoder.skip },
  );
  const act = (states: Tensor3D) =>
    besideEmpty ? weighComfy(states, weights) : weighA1111(states, weights, reading.emphasis);
  return { ...output, weigh: (states) => reshape(act(states), [1, chunks.length * length, states.shape[2]]) };
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
