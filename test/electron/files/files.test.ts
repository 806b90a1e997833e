import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readRange, writeAtomic } from '../../../electron/files/disk.ts';
import { openFiles } from '../../../electron/files/files.ts';
import { fingerprints } from '../../../electron/files/fingerprints.ts';
import { within } from '../../../electron/files/paths.ts';
import type { Files } from '../../../nodes/files.ts';

let root: string;
let files: Files;
const put = async (path: string, content: string | Uint8Array = path) => {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), content);
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'noiseloom-files-'));
  files = openFiles({
    builtinFolder: join(root, 'builtin'),
    modelsFolder: join(root, 'models'),
    hubCache: join(root, 'hub'),
    workingFolder: join(root, 'work'),
    mayRead: within(async () => [root]),
  });
  await put('builtin/first/model_index.json');
  await put('work/here.png');
  await put('work/both/model/a');
  await put('models/both/model/a');
  await put('models/pulled/model/a');
  await put('hub/models--owner--name/refs/main', 'abc123\n');
  await put('hub/models--owner--name/snapshots/abc123/unet/config.json');
  await put('hub/models--owner--name/snapshots/old/unet/config.json');
  await put('hub/models--owner--single/snapshots/only/config.json');
});
afterAll(() => rm(root, { recursive: true }));

describe('locate', () => {
  it.each([
    ['builtin:first', 'builtin/first'],
    ['here.png', 'work/here.png'],
    ['./here.png', 'work/here.png'],
    ['../models/pulled', 'models/pulled'],
    ['both/model', 'work/both/model'],
    ['pulled/model', 'models/pulled/model'],
    ['owner/name', 'hub/models--owner--name/snapshots/abc123'],
    ['owner/name/unet', 'hub/models--owner--name/snapshots/abc123/unet'],
    ['owner/single', 'hub/models--owner--single/snapshots/only'],
  ])('%s -> %s', async (location, path) => expect(await files.locate(location)).toBe(join(root, path)));

  it('takes absolute paths as they are', async () => {
    expect(await files.locate(join(root, 'work/here.png'))).toBe(join(root, 'work/here.png'));
  });

  it.each(['builtin:second', 'builtin:../work', 'owner/absent', 'gone.png', './owner/name', '', 'a\0b'])(
    'says where it looked for %j',
    async (location) => {
      const error = await files.locate(location).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'NOT_FOUND' });
      expect((error as Error).message).toMatch(location.startsWith('builtin:') ? /Built in are: first/ : /looked for/);
    },
  );

  it('names every place of a hub name', async () => {
    await expect(files.locate('owner/absent')).rejects.toThrow(
      /work\/owner\/absent.*models\/owner\/absent.*models--owner--absent/,
    );
  });
});

describe('read, size, list', () => {
  it('reads ranges and says what is out of range', async () => {
    const path = join(root, 'work/here.png');
    expect(new TextDecoder().decode(await files.read(path, 5, 9))).toBe('here');
    expect(new TextDecoder().decode(await files.read(path))).toBe('work/here.png');
    expect(await files.size(path)).toBe(13);
    await expect(files.read(path, 5, 99)).rejects.toMatchObject({ code: 'READ_FAILED' });
    await expect(files.read(join(root, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(files.read(root)).rejects.toMatchObject({ code: 'READ_FAILED' });
  });

  it('knows files from folders', async () => {
    expect(await files.size(join(root, 'work'))).toBeUndefined();
    expect(await files.size(join(root, 'none'))).toBeUndefined();
    expect(await files.list(join(root, 'work'))).toEqual(['both/', 'here.png']);
    expect(await files.list(join(root, 'work/here.png'))).toBeUndefined();
    expect(await files.list(join(root, 'none'))).toBeUndefined();
  });
});

describe('fingerprint', () => {
  const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

  it('is sha256 and follows the content, even where size and time of change stay', async () => {
    await put('work/f', 'one');
    const path = join(root, 'work/f');
    await utimes(path, 1000, 1000);
    expect(await files.fingerprint(path)).toBe(sha256('one'));
    await writeFile(path, 'two');
    await utimes(path, 1000, 1000);
    expect(await files.fingerprint(path)).toBe(sha256('two'));
  });

  it('of large files is kept for later processes, and read again when they change', async () => {
    const path = join(root, 'work/large');
    const content = new Uint8Array(2 ** 24);
    await writeFile(path, content);
    const keptIn = join(root, 'kept', 'fingerprints.json');
    const ask = (file = path) => fingerprints(keptIn, async () => {})(file);
    const kept = async () => JSON.parse(await readFile(keptIn, 'utf8').catch(() => '{}'));
    const { ctimeMs } = await stat(path);
    const now = vi.spyOn(Date, 'now').mockReturnValue(ctimeMs + 1000);
    expect(await ask()).toBe(sha256(content));
    expect(await kept(), 'it may still be changing').toEqual({});
    now.mockReturnValue(ctimeMs + 3000);
    await ask();
    now.mockRestore();
    const state = (await kept())[path].state;
    expect(await kept()).toEqual({ [path]: { state, sha256: sha256(content) } });

    const marked = 'a'.repeat(64);
    await writeFile(keptIn, JSON.stringify({ [path]: { state, sha256: marked } }));
    expect(await ask(), 'what was kept').toBe(marked);
    content[5] = 1;
    await writeFile(path, content);
    expect(await ask()).toBe(sha256(content));
    for (const spoiled of ['', '[1]', JSON.stringify({ [path]: { state, sha256: 'short' } })]) {
      await writeFile(keptIn, spoiled);
      expect(await ask(), spoiled).toBe(sha256(content));
    }
    await writeFile(join(root, 'work/small'), 'x');
    await utimes(join(root, 'work/small'), 1000, 1000);
    await ask(join(root, 'work/small'));
    expect(Object.keys(await kept())).not.toContain(join(root, 'work/small'));
  });

  it('of a folder changes with any file in it', async () => {
    const folder = join(root, 'models/pulled');
    const before = await files.fingerprint(folder);
    await put('models/pulled/model/deep/b', 'new');
    expect(await files.fingerprint(folder)).not.toBe(before);
    await expect(files.fingerprint(join(root, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('decodeImage', () => {
  const decode = async (image: Sharp) => files.decodeImage(new Uint8Array(await image.toBuffer()));
  const pixels = Uint8Array.of(255, 0, 0, 0, 255, 0);
  const two = () => sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } });

  it('reads images while others are read', async () => {
    const png = new Uint8Array(await two().resize(64, 64).png().toBuffer());
    const readOften = async () => {
      for (let i = 0; i < 50; i++) expect(await files.decodeImage(png)).toMatchObject({ width: 64, height: 64 });
    };
    await Promise.all(Array.from({ length: 20 }, readOften));
  });

  it('reads PNG and WebP exactly', async () => {
    for (const image of [two().png(), two().webp({ lossless: true })]) {
      expect(await decode(image)).toEqual({ width: 2, height: 1, rgb: pixels });
    }
  });
  it('stands images upright', async () => {
    expect(await decode(two().withMetadata({ orientation: 6 }).tiff({ compression: 'lzw' }))).toEqual({
      width: 1,
      height: 2,
      rgb: pixels,
    });
  });
  it('lays alpha over white', async () => {
    const raw = Uint8Array.of(0, 0, 0, 0, 10, 20, 30, 255);
    const image = sharp(raw, { raw: { width: 2, height: 1, channels: 4 } }).png();
    expect((await decode(image)).rgb).toEqual(Uint8Array.of(255, 255, 255, 10, 20, 30));
  });
  it('makes grey and 16-bit images 8-bit RGB', async () => {
    const grey = sharp(Uint8Array.of(7, 9), { raw: { width: 2, height: 1, channels: 1 } }).toColourspace('b-w');
    expect((await decode(grey.png())).rgb).toEqual(Uint8Array.of(7, 7, 7, 9, 9, 9));
    expect((await decode(two().toColourspace('rgb16').png())).rgb).toEqual(pixels);
  });
  it.each(['rgb16', 'grey16'] as const)('keeps the upper half of 16-bit values (%s), alpha included', async (space) => {
    const channels = space === 'rgb16' ? 4 : 2;
    const values = [0x4000, 0x8000, 0xc000].slice(0, channels - 1);
    const raw = Uint16Array.from([...values, 0xffff, ...values, 0]); // opaque, then clear
    const image = sharp(raw, { raw: { width: 2, height: 1, channels, premultiplied: false } }).toColourspace(space);
    const png = await image.png().toBuffer();
    expect(png[24], 'bit depth in the file').toBe(16);
    const { rgb } = await files.decodeImage(new Uint8Array(png));
    const expected = [0x40, 0x80, 0xc0].map((value) => (channels === 4 ? value : 0x40));
    expect(rgb).toHaveLength(6);
    for (const [i, value] of [...expected, 255, 255, 255].entries())
      expect(Math.abs(rgb[i]! - value), `value ${i} of ${[...rgb]}`).toBeLessThanOrEqual(1);
  });
  it('reads grey with alpha over white', async () => {
    const raw = Uint8Array.of(100, 255, 100, 0);
    const image = sharp(raw, { raw: { width: 2, height: 1, channels: 2 } })
      .toColourspace('b-w')
      .png();
    expect([...(await decode(image)).rgb]).toEqual([100, 100, 100, 255, 255, 255]);
  });
  it('reads palettes, clear colours among them', async () => {
    const raw = Uint8Array.of(250, 40, 10, 255, 30, 60, 90, 255, 0, 0, 0, 0);
    const png = await sharp(raw, { raw: { width: 3, height: 1, channels: 4 } })
      .png({ palette: true })
      .toBuffer();
    expect(png[25], 'colour type in the file').toBe(3);
    const { rgb } = await files.decodeImage(new Uint8Array(png));
    for (const [i, value] of [250, 40, 10, 30, 60, 90, 255, 255, 255].entries())
      expect(Math.abs(rgb[i]! - value), `value ${i} of ${[...rgb]}`).toBeLessThanOrEqual(3);
  });
  it('reads CMYK as the colours that it prints', async () => {
    const flat = ([r, g, b]: readonly [number, number, number]) =>
      sharp({ create: { width: 8, height: 8, channels: 3, background: { r, g, b } } });
    for (const colour of [
      [200, 60, 50],
      [250, 250, 250],
      [60, 60, 60],
    ] as const) {
      const jpeg = await flat(colour).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
      expect((await sharp(jpeg).metadata()).channels).toBe(4);
      const { rgb, width } = await files.decodeImage(new Uint8Array(jpeg));
      expect(width).toBe(8);
      expect(rgb).toHaveLength(8 * 8 * 3);
      for (const [i, value] of colour.entries())
        expect(Math.abs(rgb[i]! - value), `${[...rgb.slice(0, 3)]} for ${colour}`).toBeLessThanOrEqual(25);
    }
  });
  it('brings wide-gamut images to sRGB', async () => {
    const green = sharp({ create: { width: 4, height: 4, channels: 3, background: { r: 90, g: 200, b: 90 } } });
    const wide = await green.withIccProfile('p3').png().toBuffer();
    const stored = [...(await sharp(wide, { ignoreIcc: true }).raw().toBuffer())].slice(0, 3);
    expect(stored).not.toEqual([90, 200, 90]);
    const { rgb } = await files.decodeImage(new Uint8Array(wide));
    for (const [i, value] of [90, 200, 90].entries()) expect(Math.abs(rgb[i]! - value)).toBeLessThanOrEqual(2);
  });
  it('stands each of the eight orientations of EXIF upright', async () => {
    const upright = [10, 60, 110, 160, 210, 250]; // two rows of three
    const at = (row: number, column: number) => upright[row * 3 + column]!;
    const [rows, columns] = [
      [0, 1],
      [0, 1, 2],
    ];
    const asStored = (outer: number[], inner: number[], turned: boolean) =>
      outer.map((i) => inner.map((j) => (turned ? at(j, i) : at(i, j))));
    const [upRows, upColumns] = [rows.toReversed(), columns.toReversed()];
    const stored: Record<number, number[][]> = {
      1: asStored(rows, columns, false),
      2: asStored(rows, upColumns, false),
      3: asStored(upRows, upColumns, false),
      4: asStored(upRows, columns, false),
      5: asStored(columns, rows, true),
      6: asStored(upColumns, rows, true),
      7: asStored(upColumns, upRows, true),
      8: asStored(columns, upRows, true),
    };
    for (const [orientation, lines] of Object.entries(stored)) {
      const values = Uint8Array.from(lines.flat().flatMap((value) => [value, value, value]));
      const image = sharp(values, { raw: { width: lines[0]!.length, height: lines.length, channels: 3 } });
      const decoded = await decode(image.withMetadata({ orientation: Number(orientation) }).png());
      expect({ ...decoded, rgb: [...decoded.rgb].filter((_, i) => i % 3 === 0) }, `orientation ${orientation}`).toEqual(
        {
          width: 3,
          height: 2,
          rgb: upright,
        },
      );
    }
  });
  it('refuses what is no image', async () => {
    await expect(files.decodeImage(new Uint8Array(20))).rejects.toMatchObject({ code: 'BAD_IMAGE' });
  });
});

describe('writeAtomic', () => {
  it('replaces a file and leaves no other', async () => {
    const folder = join(root, 'out');
    await mkdir(folder);
    await writeAtomic(join(folder, 'a'), 'one');
    await writeAtomic(join(folder, 'a'), new TextEncoder().encode('two'));
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('two');
    expect(await readdir(folder)).toEqual(['a']);
  });
  it('leaves what was there when it fails', async () => {
    const folder = join(root, 'out2');
    await mkdir(join(folder, 'a'), { recursive: true });
    await writeFile(join(folder, 'a/x'), '');
    await expect(writeAtomic(join(folder, 'a'), 'text')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['a']);
  });
});

describe('a file that the user named, in a folder that graphs may not read', () => {
  const place = (name: string) => join(root, 'elsewhere', name);
  let named: Files;
  beforeAll(async () => {
    for (const name of [
      'model.safetensors',
      'vocab.json',
      'model.yaml',
      'other.yaml',
      'letter.txt',
      'tokenizer/merges.txt',
    ])
      await put(`elsewhere/${name}`);
    await put('elsewhere/big.index.json');
    await put('elsewhere/big-00001-of-00002.safetensors');
    await symlink(place('model.safetensors'), join(root, 'link.safetensors'));
    await put('vocab.json');
    const places = [place('model.safetensors'), join(root, 'link.safetensors')];
    named = openFiles({
      builtinFolder: join(root, 'builtin'),
      modelsFolder: join(root, 'models'),
      hubCache: join(root, 'hub'),
      workingFolder: join(root, 'work'),
      mayRead: within(async () => places),
    });
  });

  it('is read with its vocabulary and configs, and nothing else', async () => {
    for (const name of ['model.safetensors', 'vocab.json', 'model.yaml', 'tokenizer/merges.txt'])
      expect(await named.size(place(name))).toBeGreaterThan(0);
    for (const name of ['other.yaml', 'letter.txt', 'big-00001-of-00002.safetensors'])
      await expect(named.read(place(name))).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect(await named.list(place('.'))).toEqual(['model.safetensors', 'model.yaml', 'tokenizer/', 'vocab.json']);
    expect(await named.size(join(root, 'vocab.json'))).toBeGreaterThan(0); // beside the link
    await expect(named.list(join(root, 'hub/..'))).resolves.toEqual(['link.safetensors', 'vocab.json']);
    await expect(named.list(join(root, 'work/both'))).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  });

  it('takes the parts along where it is an index', async () => {
    const mayRead = within(async () => [place('big.index.json')]);
    expect(await mayRead(place('big-00001-of-00002.safetensors'))).toBe(true);
    expect(await mayRead(place('model.safetensors'))).toBe(false);
  });
});

// the system's own settings state 4,096 bytes and hold fewer, as a file that is cut off while it is read
const shrinking = '/sys/kernel/mm/transparent_hugepage/enabled';
it.runIf(existsSync(shrinking))('tells of a file that becomes shorter while it is read', async () => {
  await expect(readRange(shrinking)).rejects.toMatchObject({
    code: 'READ_FAILED',
    message: `"${shrinking}" became shorter while it was read.`,
  });
});
