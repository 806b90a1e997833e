import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isWholeZip, readZipText, unpackZip } from '../../build/native/zip.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('unpacks the chosen files of a zip', async () => {
  const path = join(folder, 'a.zip');
  const large = new Uint8Array(200_000).map((_, i) => (i * i) % 256);
  await writeFile(
    path,
    zipSync({ 'a/large': large, 'a/stored': [large, { level: 0 }], 'a/empty': new Uint8Array(), 'b/other': large }),
  );
  await unpackZip(path, (name) => (name.startsWith('a/') ? join(folder, 'out', name) : undefined));
  expect((await readFile(join(folder, 'out/a/large'))).equals(large)).toBe(true);
  expect((await readFile(join(folder, 'out/a/stored'))).equals(large)).toBe(true);
  expect((await readFile(join(folder, 'out/a/empty'))).length).toBe(0);
  expect(await readdir(join(folder, 'out'))).toEqual(['a']);
});

it('reads one text out of a zip', async () => {
  const path = join(folder, 'a.zip');
  await writeFile(path, zipSync({ 'x-1/METADATA': new TextEncoder().encode('Name: x'), other: new Uint8Array(10) }));
  expect(await readZipText(path, (name) => name.endsWith('/METADATA'))).toBe('Name: x');
});

it('says that a zip is not whole', async () => {
  const path = join(folder, 'a.zip');
  const whole = zipSync({ a: new Uint8Array(1000) });
  await writeFile(path, whole.subarray(0, whole.length - 30));
  expect(await isWholeZip(path)).toBe(false);
  await expect(unpackZip(path, () => join(folder, 'a'))).rejects.toThrow('is no whole zip file.');
});
