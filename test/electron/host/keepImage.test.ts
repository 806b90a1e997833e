import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keepImage } from '../../../electron/host/keepImage.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-images-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('keeps an image once for each content, and never over another', async () => {
  const [one, two] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  const first = await keepImage(join(folder, 'images'), 'a.png', one);
  expect(await keepImage(join(folder, 'images'), 'a.png', one)).toBe(first);
  const second = await keepImage(join(folder, 'images'), 'a.png', two);
  expect(second).toBe(join(folder, 'images', 'a-2.png'));
  expect(new Uint8Array(await readFile(first))).toEqual(one);
  expect(new Uint8Array(await readFile(second))).toEqual(two);
});

it('refuses what is named as no image, and stays in its folder', async () => {
  for (const name of ['a.exe', '.png', 'a', 'nul.png', 'a:b.png'])
    await expect(keepImage(folder, name, Uint8Array.of(1)), name).rejects.toMatchObject({ code: 'BAD_NAME' });
  await keepImage(folder, '../../out.png', Uint8Array.of(1));
  expect(await readdir(folder)).toEqual(['out.png']);
});
