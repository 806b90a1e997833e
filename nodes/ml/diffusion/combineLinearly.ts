import { add, clipByValue, clone, mul, type Tensor, zerosLike } from '../tf.ts';

type Term<T extends Tensor> = readonly [coefficient: number, tensor: T];

/**
 * Sum of coefficient * tensor in the fewest ops: zero terms are dropped and a coefficient that is 1 up to rounding
 * costs no multiplication. All tensors have one shape. Returns a new tensor, also for a single term.
 */
export function combineLinearly<T extends Tensor>(...terms: readonly Term<T>[]): T {
  const [first, ...rest] = terms.filter(([coefficient]) => coefficient !== 0);
  if (first === undefined) return zerosLike(terms[0]![1]);
  if (rest.length === 0 && isOne(first[0])) return clone(first[1]);
  return rest.reduce<T>((sum, term) => add(sum, scaled(term)), scaled(first));
}

function scaled<T extends Tensor>([coefficient, tensor]: Term<T>): T {
  return isOne(coefficient) ? tensor : mul(tensor, coefficient);
}

function isOne(coefficient: number): boolean {
  return Math.abs(coefficient - 1) < 1e-12;
}

/** Limits an estimate of the clean sample to +-`clip_sample_range` where the settings ask for it. */
export function clipClean<T extends Tensor>(
  settings: { readonly clip_sample: boolean; readonly clip_sample_range: number },
  estimate: T,
): T {
  const range = settings.clip_sample_range;
  return settings.clip_sample ? clipByValue(estimate, -range, range) : estimate;
}
