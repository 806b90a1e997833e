import { UserError } from '../../errors.ts';
import type { SampleRequest } from '../../ports.ts';
import type { PromptSchedule } from '../text/scheduleA1111.ts';
import { add, mul, split, sub, type Tensor4D } from '../tf.ts';

interface PromptMix {
  /** The prompts that the model is called with for each image, one block a prompt. */
  readonly blocks: readonly PromptBlock[];
  /** The model's outputs, a block [N, h, w, c] after the other, [blocks N, h, w, c] -> one [N, h, w, c]. */
  join(answers: Tensor4D): Tensor4D;
}

export interface PromptBlock {
  readonly negative: boolean;
  /** What the prompt of each image is in a step, counted from 0. */
  textsAt(index: number): readonly string[];
}

/** What a text is besides one prompt in all steps. */
export interface PromptSyntax {
  /** The prompts that a text joins, at least one. */
  split(prompt: string): readonly { readonly text: string; readonly weight: number }[];
  schedule(text: string, steps: number): PromptSchedule;
}

const none: PromptSyntax = {
  split: (text) => [{ text, weight: 1 }],
  schedule: (text, steps) => [[steps, text]],
};

/**
 * Which prompts a model is called with, and how its outputs are mixed: m = u + sum of w_k (c_k - u), where u sees the negative
 * prompt and c_k prompt k. One prompt with weight g is classifier-free guidance (none for g <= 1, where m = c); the parts that
 * a prompt has weigh g times their own weights; the original and an expanded prompt with w1 and w2 are Parrot's. Where the
 * weights sum to 1, u does not count and is not asked. Throws UserError `BAD_REQUEST`.
 * Source: arXiv 2207.12598, equation 6; arXiv 2206.01714, equation 11; arXiv 2401.05675, equation 5
 */
export function promptMix(
  { noise, prompts, negativePrompt, settings, expanded }: SampleRequest,
  steps: number,
  syntax: PromptSyntax = none,
): PromptMix {
  const n = noise.seeds.length;
  const own = expanded?.originalWeight ?? Math.max(1, settings.guidanceScale);
  const asked = [
    ...joinedParts(prompts.length === 1 ? repeat(prompts[0]!, n) : prompts, own, syntax),
    ...(expanded ? joinedParts(repeat(expanded.prompt, n), expanded.expandedWeight, syntax) : []),
  ];
  const blockOf = (texts: readonly string[], negative: boolean): PromptBlock => {
    const schedules = texts.map((text) => syntax.schedule(text, steps));
    return { negative, textsAt: (index) => schedules.map((schedule) => textIn(schedule, index)) };
  };
  const weights = asked.map(({ weight }) => weight);
  const negativeWeight = 1 - weights.reduce((total, weight) => total + weight, 0);
  const unasked = Math.abs(negativeWeight) < 1e-9;
  const blocks = [
    ...(unasked ? [] : [blockOf(repeat(negativePrompt, n), true)]),
    ...asked.map(({ texts }) => blockOf(texts, false)),
  ];
  return {
    blocks,
    join(answers) {
      if (blocks.length === 1) return answers;
      const parts = split(answers, blocks.length, 0) as Tensor4D[];
      if (unasked) return parts.map((part, k) => mul<Tensor4D>(part, weights[k]!)).reduce(plus);
      const [u, ...others] = parts as [Tensor4D, ...Tensor4D[]];
      return others.map((part, k): Tensor4D => mul(sub(part, u), weights[k]!)).reduce(plus, u);
    },
  };
}

const plus = (a: Tensor4D, b: Tensor4D): Tensor4D => add(a, b);
const repeat = <Value>(value: Value, n: number): Value[] => new Array<Value>(n).fill(value);

/** The parts that the prompts of N images join, each with its weight times `scale`, and N texts. Throws UserError `BAD_REQUEST`. */
function joinedParts(prompts: readonly string[], scale: number, { split }: PromptSyntax) {
  const [first = [], ...others] = prompts.map(split);
  const weightsOf = (parts: typeof first) => parts.map(({ weight }) => weight).join();
  if (others.some((parts) => weightsOf(parts) !== weightsOf(first)))
    throw new UserError('BAD_REQUEST', 'The prompts of a batch join others by AND, and not all with the same weights.');
  return first.map(({ weight }, k) => ({
    weight: scale * weight,
    texts: [first, ...others].map((parts) => parts[k]!.text),
  }));
}

/** stable-diffusion-webui counts steps from 0 where it looks a text up, so that each acts one call longer than it says. */
function textIn(schedule: PromptSchedule, index: number): string {
  return (schedule.find(([until]) => index <= until) ?? schedule.at(-1)!)[1];
}
