import { UserError } from '../../errors.ts';
import type { RandomStream } from '../random.ts';

/** How the next token is chosen. */
export interface Sampling {
  /** Above 1 more surprising, below 1 less; 0 takes the likeliest token always. */
  readonly temperature: number;
  /** Only so many of the likeliest tokens count; 0: all. */
  readonly topK: number;
  /** Only the likeliest tokens that together are this probable count, at least one; 1: all. */
  readonly topP: number;
}

/**
 * The tokens that may come next, the likeliest first, with probabilities that add up to 1. `logits` [V], one a token. Equal
 * logits stand in the order of ids; those as likely as the last of top k count too.
 *
 *   p = softmax(logits / temperature) over the top k; of these the first whose forerunners add up to less than top p
 *
 * Throws UserError `NOT_FINITE`.
 * Source: arXiv 1805.04833, section 5 (top k); arXiv 1904.09751, section 3.1 (top p); transformers, TopKLogitsWarper and
 * TopPLogitsWarper
 */
export function likelyTokens(
  logits: Float32Array,
  { temperature, topK, topP }: Sampling,
): { readonly id: number; readonly probability: number }[] {
  const wrong = logits.find((logit) => !Number.isFinite(logit));
  if (wrong !== undefined)
    throw new UserError('NOT_FINITE', `The text model gives ${wrong} for a token. Its weights are damaged.`);
  const count = temperature === 0 ? 1 : topK;
  const least = count > 0 && count < logits.length ? logits.toSorted().at(-count)! : Number.NEGATIVE_INFINITY;
  const ids = Array.from(logits.keys())
    .filter((id) => logits[id]! >= least)
    .sort((a, b) => logits[b]! - logits[a]! || a - b);
  if (temperature === 0) return [{ id: ids[0]!, probability: 1 }];
  const masses = ids.map((id) => Math.exp((logits[id]! - logits[ids[0]!]!) / temperature));
  const wanted = topP * addUp(masses);
  let kept = 0;
  for (let before = 0; kept < ids.length && (kept === 0 || before < wanted); kept++) before += masses[kept]!;
  const whole = addUp(masses.slice(0, kept));
  return ids.slice(0, kept).map((id, i) => ({ id, probability: masses[i]! / whole }));
}

/** Draws the next token: one number of `random`, or none where the temperature is 0. Throws UserError `NOT_FINITE`. */
export function pickToken(logits: Float32Array, sampling: Sampling, random: RandomStream): number {
  const likely = likelyTokens(logits, sampling);
  if (sampling.temperature === 0) return likely[0]!.id;
  let left = random.uniform();
  for (const { id, probability } of likely) {
    left -= probability;
    if (left < 0) return id;
  }
  return likely.at(-1)!.id; // probabilities add up to 1 but for rounding
}

const addUp = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
