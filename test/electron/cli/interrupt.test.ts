import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { packageFolder } from '../../../electron/files/folders.ts';

it('Ctrl-C twice ends a process that does not stop, but one that arrives twice counts once', async () => {
  const program = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'test/support/stubborn.ts')];
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  await new Promise((ready) => child.stdout.once('data', ready));
  child.kill('SIGINT'); // from the terminal
  child.kill('SIGINT'); // from npm
  await wait(600);
  expect(child.exitCode).toBeNull();
  expect(said).toBe('Stopping. Press Ctrl-C again to exit at once.\n');
  child.kill('SIGINT');
  expect(await ended).toBe(130);
});
