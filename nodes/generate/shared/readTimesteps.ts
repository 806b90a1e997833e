import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';

/** More would be more than a model was trained on. */
const MOST_TIMESTEPS = 1000;

/**
 * The timesteps that a text lists, with commas, spaces or brackets around; undefined for an empty one. `steps`: the number
 * that is asked for beside it, 0 for none. Throws UserError `BAD_PARAM`.
 */
export function readTimesteps(text: string, steps: number): readonly number[] | undefined {
  const inner = text.trim().replace(/^\[(.*)\]$/s, '$1');
  if (inner.trim() === '') return undefined;
  const words = inner.split(/[,;\s]+/).filter((word) => word !== '');
  const wrong = words.find((word) => !/^\d{1,6}$/.test(word));
  const fail = (reason: string) =>
    new UserError('BAD_PARAM', `The timesteps are ${quote(text)}, ${reason}.`, { at: { param: 'timesteps' } });
  if (wrong !== undefined || words.length === 0)
    throw fail('and must be whole numbers with commas between them, such as 999, 749, 499, 249');
  if (words.length > MOST_TIMESTEPS) throw fail(`which are ${words.length}; at most ${MOST_TIMESTEPS} are taken`);
  if (steps !== 0 && steps !== words.length)
    throw fail(`which are ${words.length} steps, and steps is ${steps}: set steps to model`);
  return words.map(Number);
}
