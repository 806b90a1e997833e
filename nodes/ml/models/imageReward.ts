import type { Tokenizer } from '../text/tokenizer.ts';
import { unreadPart } from '../text/unreadPart.ts';
import { div, reshape, slice, sub, type Tensor1D, type Tensor2D, type Tensor3D, tidy } from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { type AffineMap, applyAffine } from './affineHead.ts';
import { type BertReaderConfig, bertReader, type PromptTokens } from './bertReader.ts';
import { type BlipVisionConfig, blipVision } from './blipVision.ts';
import type { MemoryOptions } from './unetBlocks.ts';

export interface ImageRewardConfig {
  readonly vision: BlipVisionConfig;
  readonly text: BertReaderConfig;
}

/** Mean and standard deviation of raw scores, by which rewards are standardised. Source: ImageReward.py */
const RAW_MEAN = 0.16717362830052426;
const RAW_DEVIATION = 1.0333394966054072;

/** Tokens of a prompt that are read. */
const PROMPT_LENGTH = 35;

/** The parts of ImageReward, ready to use. Call them in a tidy; what they return is the caller's. */
export interface ImageReward {
  readonly encodeImage: ReturnType<typeof blipVision>;
  /** N prompts with the tokens of their N images [N, S, D] -> last hidden state [N, 35, C]. */
  readPrompts(prompts: readonly string[], images: Tensor3D): Tensor3D;
  /** The end of a prompt that is not read because it is too long; '' where all of it is. */
  unreadPart(prompt: string): string;
  /** Reads the state of the first token: [N, T, C] -> rewards [N], of about mean 0 and deviation 1. */
  judge(state: Tensor3D): Tensor1D;
}

/** Source: arXiv 2304.05977, section 3.1; THUDM/ImageReward, ImageReward.py */
export function imageReward(
  weights: Weights,
  { vision, text }: ImageRewardConfig,
  head: AffineMap,
  tokenizer: Tokenizer,
  memory: MemoryOptions = {},
): ImageReward {
  const read = bertReader(weights.at('text_encoder'), text, memory);
  return {
    encodeImage: blipVision(weights.at('visual_encoder'), vision, memory),
    readPrompts: (prompts, images) => read(promptTokens(prompts, tokenizer, text), images),
    unreadPart: (prompt) => unreadPart(prompt, tokenizer, promptLength(text)),
    judge: (state) =>
      tidy(() => {
        const [count, , width] = state.shape;
        const first: Tensor2D = reshape(slice(state, [0, 0, 0], [count, 1, width]), [count, width]);
        return div(sub(applyAffine(first, head), RAW_MEAN), RAW_DEVIATION);
      }),
  };
}

/** Tokens of a prompt that are read, start and end included. */
function promptLength({ max_position_embeddings: places }: Pick<BertReaderConfig, 'max_position_embeddings'>): number {
  return Math.min(PROMPT_LENGTH, places);
}

/** Ids of prompts, padded or cut to 35. */
export function promptTokens(
  prompts: readonly string[],
  tokenizer: Tokenizer,
  config: Pick<BertReaderConfig, 'max_position_embeddings'>,
): PromptTokens {
  const length = promptLength(config);
  const ids = prompts.map((prompt) => tokenizer.encode(prompt, length));
  const end = tokenizer.encode('', 2)[1]!;
  return { ids, ends: ids.map((row) => row.lastIndexOf(end) + 1) };
}
