import { GraphError } from '../nodes/errors.ts';

declare const setImmediate: ((callback: () => void) => unknown) | undefined;

/** How long a run may keep its process from reading messages, in milliseconds: a cancel waits no longer than that. */
const longest = 8;

/**
 * Makes a function that a run calls often. Where the last turn of the event loop is long enough ago it gives a promise
 * for the next one, in which messages (a cancel among them) are read; else undefined.
 */
export function pauser(): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < longest) return undefined;
    return nextTurn().then(() => {
      last = performance.now();
    });
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

/** Throws GraphError `CANCELLED` if the run was cancelled. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new GraphError('CANCELLED', 'The run was cancelled.', { cause: signal.reason });
}
