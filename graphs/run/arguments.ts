import { UserError } from '../../nodes/errors.ts';
import { allows, describeAllowed, paramFromWire } from '../../nodes/params.ts';
import { quote } from '../../nodes/quote.ts';
import { limits } from '../document/document.ts';
import type { StepResult } from './cache.ts';
import type { Source, Step } from './plan.ts';

/** What one call of a node's `run` receives. */
export interface Call {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface StepCalls {
  /** One call, or one for each element of the lists that arrive where single values are taken. */
  readonly calls: readonly Call[];
  readonly mapped: boolean;
}

/**
 * Gathers a step's arguments. Lists that arrive at inputs or params of one value must be equally long; the node then
 * runs once per element, and single values serve every call. An input of many takes all elements at once.
 * Throws UserError `LIST_LENGTHS`, `BAD_PARAM`, `TOO_LARGE`.
 */
export function gatherCalls(step: Step, results: readonly (StepResult | undefined)[]): StepCalls {
  const arrived: Record<string, unknown> = {};
  const lists: { readonly name: string; readonly length: number }[] = [];
  for (const { name, count, sources } of step.inputs) {
    if (count === 'many') {
      refuseMany(name, sources, results);
      arrived[name] = sources.flatMap((source) => valueAt(results, source));
      continue;
    }
    const value = valueAt(results, sources[0]!);
    arrived[name] = value;
    if (Array.isArray(value)) lists.push({ name, length: value.length });
  }
  if (lists.length === 0) return { calls: [gatherCall(step, arrived)], mapped: false };
  refuseUnequal(lists);
  const calls = Array.from({ length: lists[0]!.length }, (_, element) => {
    const elements = lists.map(({ name }) => [name, (arrived[name] as unknown[])[element]]);
    return gatherCall(step, { ...arrived, ...Object.fromEntries(elements) });
  });
  return { calls, mapped: true };
}

/**
 * For each call the number of the first with the same arguments: equal params, and the very same values at the inputs. As
 * nodes have no randomness but seeds, a node with outputs gives the same for both.
 */
export function findEqualCalls(calls: readonly Call[]): readonly number[] {
  const numbers = new Map<unknown, number>();
  const identify = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(identify);
    if (!numbers.has(value)) numbers.set(value, numbers.size);
    return numbers.get(value);
  };
  const first = new Map<string, number>();
  return calls.map(({ inputs, params }, number) => {
    const key = JSON.stringify([Object.values(inputs).map(identify), Object.values(params).map(identify)]);
    if (!first.has(key)) first.set(key, number);
    return first.get(key)!;
  });
}

/** Refuses more values at an input than a list may have, before they are gathered. */
function refuseMany(name: string, sources: readonly Source[], results: readonly (StepResult | undefined)[]): void {
  let total = 0;
  for (const source of sources) {
    const value = valueAt(results, source);
    total += Array.isArray(value) ? value.length : 1;
  }
  if (total <= limits.list) return;
  const message = `${total} values arrive at its input "${name}"; at most ${limits.list} are allowed.`;
  throw new UserError('TOO_LARGE', message, { at: { port: name } });
}

function valueAt(results: readonly (StepResult | undefined)[], { step, output }: Source): unknown {
  return results[step]!.outputs[output];
}

function gatherCall(step: Step, arrived: Readonly<Record<string, unknown>>): Call {
  const inputs: Record<string, unknown> = {};
  const ports = step.definition.inputs;
  for (const name in ports) inputs[name] = arrived[name] ?? (ports[name]!.count === 'many' ? [] : undefined);
  let params = step.params;
  for (const { name, count } of step.inputs) {
    if (count === 'param') params = { ...params, [name]: drivenParam(step, name, arrived[name]) };
  }
  return { inputs, params };
}

function refuseUnequal(lists: readonly { readonly name: string; readonly length: number }[]): void {
  if (lists.every(({ length }) => length === lists[0]!.length)) return;
  const lengths = lists.map(({ name, length }) => `"${name}" has ${length}`).join(', ');
  const message = `the lists at its inputs differ in length: ${lengths}. Give lists of the same length, or single values.`;
  throw new UserError('LIST_LENGTHS', message, { at: { port: lists.at(-1)!.name } });
}

/** Refuses what a wire brings to a param before the node runs: a value, or a list of them. Throws UserError `BAD_PARAM`. */
export function checkDriven(step: Step, name: string, value: unknown): void {
  for (const each of Array.isArray(value) ? value : [value]) drivenParam(step, name, each);
}

function drivenParam({ definition }: Step, name: string, value: unknown): unknown {
  const param = definition.params[name]!;
  const read = paramFromWire(param, value);
  if (allows(param, read)) return read;
  const got = quote(value);
  const message = `a wire sets the param ${name} to ${got}. It must be ${describeAllowed(param)}.`;
  throw new UserError('BAD_PARAM', message, { at: { param: name } });
}

/** Refuses a list that is longer than a wire carries. Throws UserError `TOO_LARGE`. */
export function refuseLong(length: number, output: string): void {
  if (length <= limits.list) return;
  const message = `its output "${output}" is a list of ${length} or more; at most ${limits.list} are allowed.`;
  throw new UserError('TOO_LARGE', message, { at: { port: output } });
}
