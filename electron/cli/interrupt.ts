import { exitCodes } from './exitCodes.ts';
import { remark } from './terminal.ts';

/** A terminal and npm both pass one Ctrl-C on, so it arrives twice: what comes this soon, in milliseconds, is the same one. */
const SAME = 300;

/** What fires when the work of this process is to stop; undefined before there is any. */
let work: AbortController | undefined;

/** Stops the work of this process in order, as a Ctrl-C does; false where there is none. */
export function interrupt(): boolean {
  work?.abort(new Error('interrupted'));
  return work !== undefined;
}

/** A signal that fires at the first Ctrl-C (or SIGTERM), so that work can stop in order; the second ends the process. */
export function abortOnInterrupt(): AbortController {
  const controller = new AbortController();
  work = controller;
  let first = 0;
  const onSignal = () => {
    if (controller.signal.aborted) {
      if (performance.now() - first > SAME) process.exit(exitCodes.interrupted);
      return;
    }
    first = performance.now();
    remark('Stopping. Press Ctrl-C again to exit at once.');
    controller.abort(new Error('interrupted'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller;
}
