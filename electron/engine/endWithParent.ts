import { Worker } from 'node:worker_threads';

/** How often the watching thread looks for the parent, in milliseconds. */
const INTERVAL = 1000;

/**
 * Ends this process by force soon after its parent is gone, however that ended. A thread of its own watches: a process
 * that computes hears no event.
 */
export function endWithParent(): void {
  new Worker(watch, { eval: true, workerData: { parent: process.ppid, interval: INTERVAL } }).unref();
}

/** A parent that is gone leaves its children to another, except on Windows, where its pid is nobody's then. */
const watch = `
const { parent, interval } = require('node:worker_threads').workerData;
setInterval(() => {
  try {
    if (process.ppid === parent && process.kill(parent, 0)) return;
  } catch (error) {
    if (error.code === 'EPERM') return;
  }
  process.kill(process.pid, 'SIGKILL');
}, interval);
`;
