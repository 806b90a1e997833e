import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { jsonFile } from '../../../electron/files/jsonFile.ts';

let folder: string;
let path: string;
const open = () => jsonFile<readonly string[]>(path, [], Array.isArray);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-json-'));
  path = join(folder, 'kept.json');
});
afterEach(() => rm(folder, { recursive: true }));

describe('a value in a file of its own', () => {
  it('begins with its initial value and makes its folder', async () => {
    path = join(folder, 'a/b/kept.json');
    expect(await open().read()).toEqual([]);
    expect(await open().change((kept) => [...kept, 'x'])).toEqual(['x']);
    expect(await open().read()).toEqual(['x']);
    expect(await readdir(join(folder, 'a/b'))).toEqual(['kept.json']);
  });

  it('is neither lost nor begun anew where the disk does not give it for a while', async () => {
    await mkdir(path); // reading it fails with EISDIR, for every user
    await expect(open().read()).rejects.toMatchObject({ code: 'READ_FAILED' });
    await expect(open().change(() => ['new'])).rejects.toMatchObject({ code: 'READ_FAILED' });
    expect(await readdir(folder)).toEqual(['kept.json']);
    await rmdir(path);
    await writeFile(path, '["old"]');
    const file = open();
    expect(await file.change((kept) => [...kept, 'new'])).toEqual(['old', 'new']);
  });

  it.each(['["torn', '{"of": "another version"}'])('keeps %s aside, and says so', async (text) => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      await writeFile(path, text);
      expect(await open().read()).toEqual([]);
      expect(await readdir(folder)).toEqual(['kept.json']); // looking changes nothing
      await open().change(() => ['new']);
      const [kept, aside] = await readdir(folder);
      expect(kept).toBe('kept.json');
      expect(await readFile(join(folder, aside as string), 'utf8')).toBe(text);
      expect(said.mock.calls.join()).toContain(`kept as "${aside}"`);
    } finally {
      said.mockRestore();
    }
    expect(await open().read()).toEqual(['new']);
  });
});
