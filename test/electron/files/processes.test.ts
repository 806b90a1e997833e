import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { uptime } from 'node:os';
import { expect, it } from 'vitest';
import { isRunning, markProcess } from '../../../electron/files/processes.ts';

const now = Date.now();

it('knows this process by its mark', () => {
  expect(isRunning(markProcess(), now)).toBe(true);
  expect(isRunning({ pid: process.pid }, now)).toBe(true); // as records of the first versions say it
});

it('notices that a pid was given to another process, and that the machine was started anew', () => {
  const { pid, processStart } = markProcess();
  if (processStart !== undefined) expect(isRunning({ pid, processStart: `${processStart}0` }, now)).toBe(false);
  expect(isRunning({ pid }, now - uptime() * 1000 - 60_000)).toBe(false);
});

it('notices that a process was killed, before its parent asks for it and after', async () => {
  const child: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  const pid = child.pid as number;
  expect(isRunning({ pid }, now)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isRunning({ pid }, now)).toBe(false);
});

it.each([0, -1, 1.5, Number.NaN, '1' as never, undefined as never])('asks the system for no process %s', (pid) => {
  expect(isRunning({ pid }, now)).toBe(false);
});
