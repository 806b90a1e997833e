import { UserError } from '../../nodes/errors.ts';
import type { LoadedFunction } from '../../nodes/ports.ts';
import { isUserError } from '../document/problems.ts';
import type { Call } from './arguments.ts';
import type { StepResult } from './cache.ts';

/** Which node each function on a wire comes from, as sentences name it. */
export type Origins = WeakMap<object, string>;

/** Notes that the functions of a result come from a node. */
export function noteOrigins(origins: Origins, { outputs }: StepResult, label: string): void {
  for (const value of Object.values(outputs).flat()) if (isFunction(value)) origins.set(value, label);
}

/**
 * A refusal of what gives no gradient, with the nodes in which the gradient breaks: where a function was made from others, those
 * of them that have none. Other errors stay as they are.
 */
export function nameBreak(error: unknown, calls: readonly Call[], origins: Origins): unknown {
  if (!isUserError(error) || error.code !== 'NOT_DIFFERENTIABLE') return error;
  const { port } = error.at;
  const given = calls.flatMap(({ inputs }) => (port === undefined ? Object.values(inputs) : [inputs[port]])).flat();
  const breaks = new Set(given.flatMap(findBreaks).map((each) => origins.get(each)));
  const labels = [...breaks].filter((label) => label !== undefined);
  if (labels.length === 0) return error;
  const message = `${error.message} The gradient breaks in ${labels.join(' and ')}.`;
  return new UserError(error.code, message, { at: error.at, cause: error });
}

type MaybeDifferentiable = LoadedFunction & { readonly differentiable?: boolean };

function isFunction(value: unknown): value is MaybeDifferentiable {
  return typeof value === 'object' && value !== null && 'dispose' in value && 'bytes' in value;
}

/** The functions without a gradient that a value is made from, or the value itself where none of them is to blame. */
function findBreaks(value: unknown): MaybeDifferentiable[] {
  if (!isFunction(value) || value.differentiable !== false) return [];
  const deeper = (value.uses ?? []).flatMap(findBreaks);
  return deeper.length > 0 ? deeper : [value];
}
