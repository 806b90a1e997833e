import { exitCodes } from './exitCodes.ts';
import { remark } from './terminal.ts';

/** A terminal and npm both pass one Ctrl-C on, so it arrives twice: what comes this soon, in milliseconds, is the same one. */
const SAME = 300;

/** A signal that fires at the first Ctrl-C (or SIGTERM), so that work can stop in order; the second ends the process. */
export function abortOnInterrupt(): AbortController {
  const controller = new AbortController();
  let first = 0;
  const interrupt = () => {
    if (controller.signal.aborted) {
      if (performance.now() - first > SAME) process.exit(exitCodes.interrupted);
      return;
    }
    first = performance.now();
    remark('Stopping. Press Ctrl-C again to exit at once.');
    controller.abort(new Error('interrupted'));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller;
}
