import { UserError } from '../../nodes/errors.ts';

declare const setImmediate: ((callback: () => void) => unknown) | undefined;

/** How long a run may block the event loop, in milliseconds: a cancel waits no longer than that. */
const MAX_BUSY_MS = 8;

/** A promise for the end of the pause while a run is paused, else undefined. */
export type WhilePaused = () => Promise<void> | undefined;

/**
 * Makes a function that a run calls often. If the event loop has been blocked too long, it returns a promise for the next
 * turn, in which messages (a cancel or a pause among them) are read; while the run is paused, a promise for the end of the
 * pause; else undefined.
 */
export function createPause(whilePaused: WhilePaused = () => undefined): () => Promise<void> | undefined {
  let last = performance.now();
  const breathe = async () => {
    await nextTurn();
    await whilePaused();
    last = performance.now();
  };
  return () => (performance.now() - last < MAX_BUSY_MS ? whilePaused() : breathe());
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

/** Throws UserError `CANCELLED` if the run was cancelled. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new UserError('CANCELLED', 'The run was cancelled.', { cause: signal.reason });
}
