import type { SampleRequest } from '../../ports.ts';
import { add, mul, split, sub, type Tensor4D } from '../tf.ts';

interface PromptMix {
  /** One row an image, block after block. */
  readonly rows: readonly { readonly prompt: string; readonly negative: boolean }[];
  /** How many prompts the model is called with for each image. */
  readonly blocks: number;
  /** The model's outputs [blocks N, h, w, c] -> one [N, h, w, c]. */
  join(answers: Tensor4D): Tensor4D;
}

/**
 * Which prompts a model is called with, and how its outputs are mixed: m = u + sum of w_k (c_k - u), where u sees the negative
 * prompt and c_k prompt k. One prompt with weight g is classifier-free guidance (none for g <= 1, where m = c); the
 * original and an expanded prompt with w1 and w2 are Parrot's. Where the weights sum to 1, u does not count and is not asked.
 * Source: arXiv 2207.12598, equation 6; arXiv 2401.05675, equation 5
 */
export function promptMix({ noise, prompts, negativePrompt, settings, expanded }: SampleRequest): PromptMix {
  const n = noise.seeds.length;
  const repeatTexts = (texts: readonly string[], negative = false) =>
    Array.from({ length: n }, (_, i) => ({ prompt: texts[texts.length === 1 ? 0 : i]!, negative }));
  const weights = expanded ? [expanded.originalWeight, expanded.expandedWeight] : [Math.max(1, settings.guidanceScale)];
  const asked = [...repeatTexts(prompts), ...(expanded ? repeatTexts([expanded.prompt]) : [])];
  const negativeWeight = 1 - weights.reduce((total, weight) => total + weight, 0);
  const unasked = Math.abs(negativeWeight) < 1e-9;
  const rows = unasked ? asked : [...repeatTexts([negativePrompt], true), ...asked];
  const blocks = rows.length / n;
  return {
    rows,
    blocks,
    join(answers) {
      if (blocks === 1) return answers;
      const parts = split(answers, blocks, 0) as Tensor4D[];
      if (unasked) return parts.map((part, k) => mul<Tensor4D>(part, weights[k]!)).reduce(plus);
      const [u, ...others] = parts as [Tensor4D, ...Tensor4D[]];
      return others.map((part, k): Tensor4D => mul(sub(part, u), weights[k]!)).reduce(plus, u);
    },
  };
}

const plus = (a: Tensor4D, b: Tensor4D): Tensor4D => add(a, b);
