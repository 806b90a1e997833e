import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from '../../electron/files/folders.ts';
import { hostileFiles } from '../support/hostileFiles.ts';
import type { StrangersOutcome } from '../support/readStranger.ts';

/*
 * A file that costs a stranger little costs the reader little. All are read by one process with a small heap, which is
 * ended after a very long time: neither is ever reached by a reader in proportion to its file.
 */

const files = hostileFiles();
const names = Object.keys(files);
const limits = { heap: 384, memory: 1_200 * 2 ** 20, ms: 20 * 60_000 } as const;
const outcomes = new Map<string, StrangersOutcome>();
let folder: string;
let last = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-hostile-'));
  const given: string[] = [];
  const paths = new Map<string, string>();
  for (const [i, name] of names.entries()) {
    const { kind, ending, content } = files[name]!;
    const path = join(folder, `${i}${ending}`);
    if (typeof content === 'string' || content instanceof Uint8Array) await writeFile(path, content);
    else {
      await mkdir(path);
      for (const [inside, each] of Object.entries(content)) await writeFile(join(path, inside), each);
    }
    given.push(kind, path);
    paths.set(path, name);
  }
  const script = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'test/support/readStranger.ts')];
  const child = spawn(process.execPath, [`--max-old-space-size=${limits.heap}`, ...script, ...given], { cwd: folder });
  const timer = setTimeout(() => child.kill('SIGKILL'), limits.ms);
  let [out, told] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    told = (told + String(chunk)).slice(-2000);
  });
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  for (const line of out.trim().split('\n').filter(Boolean)) {
    const outcome = JSON.parse(line) as StrangersOutcome;
    outcomes.set(paths.get(outcome.path)!, outcome);
  }
  last = told;
}, limits.ms + 60_000);
afterAll(() => rm(folder, { recursive: true }));

describe('a hostile file is read or refused in a sentence, in little memory', () => {
  it.each(names)('%s', (name) => {
    const outcome = outcomes.get(name);
    expect(outcome, `no answer: ${last}`).toBeDefined();
    const { code, message, bytes } = outcome!;
    const { says } = files[name]!;
    if (says === 'read') expect({ code, message }).toMatchObject({ code: 'read' });
    else expect(message).toMatch(says);
    expect(message.length).toBeLessThanOrEqual(1500);
    expect(bytes).toBeLessThan(limits.memory);
  });
});
