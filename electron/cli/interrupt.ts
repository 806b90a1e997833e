import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** A terminal and npm both pass one signal on, so it arrives twice: what comes this soon, in milliseconds, is the same one. */
const SAME = 300;

/** What fires when the work of this process is to stop; undefined before there is any. */
let work: AbortController | undefined;

/** Stops the work of this process in order, as a Ctrl-C does; false where there is none. */
export function interrupt(): boolean {
  work?.abort(new Error('interrupted'));
  return work !== undefined;
}

/**
 * A signal that fires at the first Ctrl-C or SIGTERM, so that work can stop in order; the second ends the process at once,
 * also while it computes and hears nothing. Resolves as soon as both are heard: Ctrl-C at once, SIGTERM when this thread
 * reads its messages.
 */
export async function abortOnInterrupt(): Promise<AbortController> {
  work = new AbortController();
  const listener = new Worker(listen, { eval: true, workerData: { same: SAME } });
  listener.on('message', (message) => message === 'interrupted' && interrupt());
  process.on('SIGTERM', terminate);
  await once(listener, 'message'); // 'listening'
  listener.unref();
  return work;
}

/** The first SIGTERM: from here on nothing listens, so the next one ends the process, as the system does. */
function terminate(): void {
  interrupt();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SAME); // what comes meanwhile is dropped
  process.off('SIGTERM', terminate);
}

/**
 * A thread of its own hears Ctrl-C, since a thread that computes runs no listener. While a script runs with `breakOnSigint`,
 * Node breaks it at the signal; before and after, a Ctrl-C ends the process as it does every program.
 * https://nodejs.org/api/vm.html#scriptrunincontextcontextifiedobject-options
 */
const listen = `
const { writeSync } = require('node:fs');
const { runInThisContext } = require('node:vm');
const { parentPort, workerData } = require('node:worker_threads');
const sleeping = new Int32Array(new SharedArrayBuffer(4));
globalThis.sleep = (ms) => Atomics.wait(sleeping, 0, 0, ms);
globalThis.untilInterrupt = (code) => {
  try {
    runInThisContext(code, { breakOnSigint: true });
  } catch (error) {
    if (error.code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
  }
};
globalThis.hear = () => {
  parentPort.postMessage('listening');
  untilInterrupt('sleep(Infinity)');
  writeSync(2, 'Stopping. Press Ctrl-C again to exit at once.\\n');
  parentPort.postMessage('interrupted');
  untilInterrupt('sleep(' + workerData.same + ')');
};
untilInterrupt('hear()'); // so that no Ctrl-C falls between the two
`;
