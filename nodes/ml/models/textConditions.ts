import { UserError } from '../../errors.ts';
import type { AddedConditions, SampleRequest } from '../../ports.ts';
import {
  add,
  concat,
  dispose,
  gather,
  keep,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor2d,
  tensor4d,
  tidy,
  tile,
  zerosLike,
} from '../tf.ts';
import type { PromptFeatures } from './promptFeatures.ts';
import type { PromptBlock } from './promptMix.ts';

/** Text as one call of the U-Net takes it: those blocks of the mix whose features are equally long, a row an image. */
export interface TextConditions {
  /** Which blocks, counted from 0. */
  readonly blocks: readonly number[];
  readonly context: Tensor3D;
  readonly textEmbeds: Tensor2D | undefined;
  readonly timeIds: Tensor2D | undefined;
  /** [rows, 1, 1, 1]: 0 where the prompt is the negative one, else 1; undefined where no row has it. */
  readonly prompted: Tensor4D | undefined;
}

interface TextOptions {
  /** An empty negative prompt is all zeros rather than the encoding of an empty text. */
  readonly zeroEmptyNegative: boolean;
  /** Pixels along a side that a latent stands for. */
  readonly factor: number;
  /** Owns what it returns. */
  featuresOf(prompt: string): PromptFeatures;
}

/** The prompts of all steps of a run. */
export interface TextTimeline {
  /** Those of a step, counted from 0. */
  at(index: number): readonly TextConditions[];
  dispose(): void;
}

/** Encodes what the prompts are in the steps of a run, each set of texts once. The caller disposes of it. Throws as `encodeText`. */
export function encodeTimeline(
  request: SampleRequest,
  blocks: readonly PromptBlock[],
  steps: number,
  options: TextOptions,
): TextTimeline {
  const known = new Map<string, readonly TextConditions[]>();
  const keys = Array.from({ length: steps }, (_, index) => JSON.stringify(blocks.map(({ textsAt }) => textsAt(index))));
  const free = () => {
    for (const { context, textEmbeds, timeIds, prompted } of [...known.values()].flat())
      dispose([context, textEmbeds, timeIds, prompted].filter((tensor) => tensor !== undefined));
  };
  try {
    for (const [index, key] of keys.entries())
      if (!known.has(key)) known.set(key, encodeText(request, blocks, index, options));
  } catch (error) {
    free();
    throw error;
  }
  return { at: (index) => known.get(keys[index]!)!, dispose: free };
}

/**
 * The prompts of a step for the U-Net. Prompts of other lengths have calls of their own, as in stable-diffusion-webui; ComfyUI
 * repeats features up to a common length, which gives the same. The caller owns the tensors. Throws UserError `BAD_REQUEST`.
 */
function encodeText(
  request: SampleRequest,
  blocks: readonly PromptBlock[],
  index: number,
  options: TextOptions,
): TextConditions[] {
  let conditions: TextConditions[] = [];
  tidy(() => {
    const encoded = blocks.map(({ negative, textsAt }) => encodeBlock(request, textsAt(index), negative, options));
    const lengths = [...new Set(encoded.map(({ context }) => context.shape[1]))];
    conditions = lengths.map((length) => {
      const own = [...encoded.keys()].filter((block) => encoded[block]!.context.shape[1] === length);
      return keepConditions(
        own,
        own.map((block) => encoded[block]!),
        options,
        request,
      );
    });
  });
  return conditions;
}

interface EncodedBlock extends PromptFeatures {
  readonly negative: boolean;
}

/** The features of one prompt of the mix for each image; shorter ones are repeated, which attention does not see. */
function encodeBlock(
  { negativePrompt, promptOffset }: SampleRequest,
  texts: readonly string[],
  negative: boolean,
  { zeroEmptyNegative, featuresOf }: TextOptions,
): EncodedBlock {
  const zeroed = negative && zeroEmptyNegative && negativePrompt === '';
  const features = texts.map(featuresOf);
  const lengths = features.map(({ context }) => context.shape[1]);
  const length = lengths.reduce(leastCommonMultiple, 1);
  const contexts = features.map(({ context }, i) => repeatTokens(context, length / lengths[i]!));
  const context: Tensor3D = concat(contexts, 0);
  const pooled = features.flatMap((each) => each.pooled ?? []);
  const own = zeroed ? zerosLike(context) : context;
  return {
    negative,
    context: promptOffset && !negative ? addOffset(own, promptOffset) : own,
    pooled: pooled.length > 0 ? (zeroed ? zerosLike : same)(concat(pooled, 0)) : undefined,
  };
}

const same = (x: Tensor2D): Tensor2D => x;

function repeatTokens(context: Tensor3D, times: number): Tensor3D {
  return times === 1 ? context : tile(context, [1, times, 1]);
}

function leastCommonMultiple(a: number, b: number): number {
  const divisor = (x: number, y: number): number => (y === 0 ? x : divisor(y, x % y));
  return (a * b) / divisor(a, b);
}

/** Throws UserError `BAD_REQUEST` where the offset is for another length. */
function addOffset(context: Tensor3D, offset: Tensor3D): Tensor3D {
  if (context.shape[1] === offset.shape[1]) return add(context, offset);
  throw new UserError(
    'BAD_REQUEST',
    `The prompt has features of ${context.shape[1]} tokens and ${offset.shape[1]} can be moved: shorten it.`,
  );
}

function keepConditions(
  blocks: readonly number[],
  encoded: readonly EncodedBlock[],
  { factor }: TextOptions,
  { noise }: SampleRequest,
): TextConditions {
  const [n, h, w] = noise.latents.shape;
  const pooled = encoded.flatMap((each) => each.pooled ?? []);
  const size = [h * factor, w * factor];
  const rows = encoded.length * n;
  const timeIds = Array.from({ length: rows }, () => [...size, 0, 0, ...size]); // original size, crop, target size
  const shares = encoded.flatMap(({ negative }) => new Array<number>(n).fill(negative ? 0 : 1));
  return {
    blocks,
    context: keep(
      concat(
        encoded.map(({ context }) => context),
        0,
      ),
    ),
    textEmbeds: pooled.length > 0 ? keep(concat(pooled, 0)) : undefined,
    timeIds: pooled.length > 0 ? keep(tensor2d(timeIds, [rows, 6])) : undefined,
    prompted: shares.includes(0) ? keep(tensor4d(shares, [rows, 1, 1, 1])) : undefined,
  };
}

/** The prompts of the rows that go on, see `StepPoint`. Without rows what it is given, else new tensors; call it in a `tidy`. */
export function chooseText(
  conditions: readonly TextConditions[],
  rows: readonly number[] | undefined,
): readonly TextConditions[] {
  if (!rows) return conditions;
  return conditions.map(({ blocks, context, textEmbeds, timeIds, prompted }) => {
    const count = context.shape[0] / blocks.length; // images
    const chosen = blocks.flatMap((_, block) => rows.map((row) => block * count + row));
    return {
      blocks,
      context: gather(context, chosen),
      textEmbeds: textEmbeds && gather(textEmbeds, chosen),
      timeIds: timeIds && gather(timeIds, chosen),
      prompted: prompted && gather(prompted, chosen),
    };
  });
}

export function readAdded({ textEmbeds, timeIds }: TextConditions): { added?: AddedConditions } {
  return textEmbeds && timeIds ? { added: { textEmbeds, timeIds } } : {};
}
