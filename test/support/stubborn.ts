import { writeSync } from 'node:fs';
import { abortOnInterrupt } from '../../electron/cli/interrupt.ts';

/*
 * A program that is told to stop and does not: only a second Ctrl-C ends it. `stubborn.ts busy` computes from when it has
 * said "ready", and hears nothing.
 */
process.once('worker', (listener) => listener.once('message', begin)); // it hears Ctrl-C from then on
const { signal } = await abortOnInterrupt();
signal.addEventListener('abort', () => console.log('told'));
setInterval(() => {}, 1000);

function begin(): void {
  writeSync(1, 'ready\n');
  while (process.argv[2] === 'busy');
}
