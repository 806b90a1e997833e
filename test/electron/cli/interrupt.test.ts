import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { packageFolder } from '../../../electron/files/folders.ts';

const program = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'test/support/stubborn.ts')];

it.each(['idle', 'busy'])(
  'Ctrl-C twice ends an %s process that does not stop, but one that arrives twice counts once',
  async (what) => {
    const child = spawn(process.execPath, [...program, what], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    let told = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    child.stdout.on('data', (chunk) => {
      told += chunk;
    });
    const ended = once(child, 'exit');
    await expect.poll(() => told, { timeout: 60_000 }).toContain('ready');
    child.kill('SIGINT'); // from the terminal
    child.kill('SIGINT'); // from npm
    await expect.poll(() => said, { timeout: 60_000 }).toBe('Stopping. Press Ctrl-C again to exit at once.\n');
    if (what === 'idle') await expect.poll(() => told, { timeout: 60_000 }).toContain('told');
    await wait(1000); // a second one may come now
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']); // 130 in a shell
    expect(said).toBe('Stopping. Press Ctrl-C again to exit at once.\n');
  },
  180_000,
);
