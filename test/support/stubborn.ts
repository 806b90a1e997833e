import { abortOnInterrupt } from '../../electron/cli/interrupt.ts';

/* A program that is told to stop and does not: only a second Ctrl-C ends it. */
abortOnInterrupt();
setInterval(() => {}, 1000);
console.log('ready');
