import type { Cards } from '../../nodes/card.ts';
import { abridged, type ErrorPlace, UserError, type UserErrorJson } from '../../nodes/errors.ts';
import { type GraphNode, type Json, own } from './document.ts';

/** Something wrong with a graph or a run, as plain JSON. `message` and `remedy` are whole sentences. */
export interface Problem extends UserErrorJson {
  /** The value that is wrong, where there is one. */
  readonly value?: Json;
  /** What to do about it. */
  readonly remedy?: string;
  /** Where in the program it happened, for a report; only for failures nobody foresaw. */
  readonly trace?: string;
}

/** Characters of a name that a problem quotes; valid names are shorter. */
const LONGEST_NAME = 1000;

/** Makes a problem. A long message, as a stranger's graph may cause, loses its middle; a large value is left out. */
export function problem(code: string, at: ErrorPlace, message: string, remedy: string, value?: Json): Problem {
  const quoted = value === undefined || !isSmall(value) ? {} : { value };
  const place = Object.fromEntries(Object.entries(at).map(([key, name]) => [key, name.slice(0, LONGEST_NAME)]));
  return { code, message: abridged(message), at: place, ...quoted, remedy: abridged(remedy) };
}

/** A value of few letters and few parts, three levels deep at most. */
function isSmall(value: Json, depth = 3): boolean {
  if (typeof value === 'string') return value.length <= 1000;
  if (typeof value !== 'object' || value === null) return true;
  let parts = 0;
  for (const name in value)
    if (depth === 0 || ++parts > 100 || name.length > 100 || !isSmall(own(value as never, name) as Json, depth - 1))
      return false;
  return true;
}

/** The title of a node: its own, or that of its type. */
export function titleOf(node: GraphNode, cards: Cards): string {
  return node.title ?? cards.get(node.type)?.title ?? node.type;
}

/** How sentences name a node: its title and its id. */
export function labelNode(id: string, node: GraphNode, cards: Cards): string {
  return `"${titleOf(node, cards).slice(0, 200)}" (${id.slice(0, 200)})`;
}

export function isUserError(error: unknown): error is UserError {
  return error instanceof UserError;
}

/** What went wrong, fit to cross processes. */
export function toProblem(error: unknown): Problem {
  if (isUserError(error)) {
    const unforeseen = error.code === 'NODE_FAILED' && error.cause instanceof Error ? error.cause.stack : undefined;
    return { ...error.toJSON(), ...(unforeseen === undefined ? {} : { trace: unforeseen }) };
  }
  throw error;
}

/** What V8, TensorFlow, WebAssembly and WebGPU say when an allocation fails. */
const wantsMemory =
  /allocation failed|invalid (typed )?array (buffer )?length|\bOOM\b|out of memory|cannot enlarge memory|bad_alloc/i;

/** The same failure with the node it happened in: errors from below the engine do not know where they are. */
export function placeError(error: unknown, id: string, label: string): UserError {
  if (isUserError(error)) {
    if (error.code === 'CANCELLED' || error.at.node !== undefined) return error;
    return new UserError(error.code, `${label}: ${error.message}`, { at: { ...error.at, node: id }, cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  if (wantsMemory.test(reason)) {
    const message = `${label} needs more memory than there is. Take fewer or smaller images at once, choose a smaller model, or close other programs.`;
    return new UserError('OUT_OF_MEMORY', message, { at: { node: id }, cause: error });
  }
  return new UserError('NODE_FAILED', `${label} failed: ${reason}`, { at: { node: id }, cause: error });
}
