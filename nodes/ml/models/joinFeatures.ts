import type { JoinedPrompt, JoinedTerm } from '../text/joinedPrompt.ts';
import { add, concat, mul, pad, slice, type Tensor2D, type Tensor3D, tidy } from '../tf.ts';
import type { PromptFeatures } from './promptFeatures.ts';

/**
 * The features of joined prompts, from left to right. concat: side by side along the tokens, pooled of the first. average:
 * w a + (1 - w) b, b cut to the tokens of a or filled up by zeros, pooled likewise. The caller owns the result.
 * Source: ComfyUI, nodes.py, ConditioningConcat and ConditioningAverage
 */
export function joinFeatures(
  { first, terms }: JoinedPrompt,
  encode: (prompt: string) => PromptFeatures,
): PromptFeatures {
  if (terms.length === 0) return encode(first);
  return tidy(() => {
    const { context, pooled } = terms.reduce((joined, term) => joinTwo(joined, encode(term.text), term), encode(first));
    return { context, pooled };
  });
}

function joinTwo(a: PromptFeatures, b: PromptFeatures, { how, weight }: JoinedTerm): PromptFeatures {
  if (how === 'concat') return { context: concat([a.context, b.context], 1), pooled: a.pooled };
  const average = <T extends Tensor2D | Tensor3D>(x: T, y: T): T => add<T>(mul(x, weight), mul(y, 1 - weight));
  return {
    context: average(a.context, withTokens(b.context, a.context.shape[1])),
    pooled: a.pooled && b.pooled && average(a.pooled, b.pooled),
  };
}

function withTokens(context: Tensor3D, count: number): Tensor3D {
  const [, tokens, width] = context.shape;
  if (tokens >= count) return slice(context, 0, [1, count, width]);
  return pad(context, [[0, 0], [0, count - tokens], [0, 0]]); // biome-ignore format: one line
}
