import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { packageFolder } from '../../../electron/files/folders.ts';

const program = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'test/support/stubborn.ts')];

function startStubborn(what: string) {
  const child = spawn(process.execPath, [...program, what], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { said: '', told: '' };
  child.stderr.on('data', (chunk) => {
    texts.said += chunk;
  });
  child.stdout.on('data', (chunk) => {
    texts.told += chunk;
  });
  const until = (stream: keyof typeof texts, text: string) =>
    expect.poll(() => texts[stream], { timeout: 60_000 }).toContain(text);
  return { child, texts, until, ended: once(child, 'exit') };
}

it.each(['idle', 'busy-later'])(
  'SIGTERM twice ends an %s process that does not stop, but one that arrives twice counts once',
  async (what) => {
    const { child, texts, until, ended } = startStubborn(what);
    await until('told', 'ready');
    child.kill('SIGTERM'); // from the system
    child.kill('SIGTERM'); // from npm
    await until('told', 'told');
    await wait(1000); // whatever was on its way has arrived
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']); // 143 in a shell
    expect(texts.told.match(/told/g)).toHaveLength(1);
  },
  180_000,
);

it.each(['idle', 'busy'])(
  'Ctrl-C twice ends an %s process that does not stop, but one that arrives twice counts once',
  async (what) => {
    const { child, texts, until, ended } = startStubborn(what);
    await until('told', 'ready');
    child.kill('SIGINT'); // from the terminal
    child.kill('SIGINT'); // from npm
    await until('said', 'Stopping. Press Ctrl-C again to exit at once.\n');
    if (what === 'idle') await until('told', 'told');
    await wait(1000); // a second one may come now
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']); // 130 in a shell
    expect(texts.said).toBe('Stopping. Press Ctrl-C again to exit at once.\n');
  },
  180_000,
);
