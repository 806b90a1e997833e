import { writeSync } from 'node:fs';
import { abortOnInterrupt } from '../../electron/cli/interrupt.ts';

/*
 * A program that is told to stop and does not: only a second signal ends it. `stubborn.ts busy` computes from when it has
 * said "ready", `stubborn.ts busy-later` from when it has said "told", and hears nothing.
 */
process.once('worker', (listener) => listener.once('message', begin)); // it hears Ctrl-C from then on
const { signal } = await abortOnInterrupt();
signal.addEventListener('abort', () => setImmediate(tell));
setInterval(() => {}, 1000);

function tell(): void {
  writeSync(1, 'told\n');
  while (process.argv[2] === 'busy-later');
}

function begin(): void {
  writeSync(1, 'ready\n');
  while (process.argv[2] === 'busy');
}
