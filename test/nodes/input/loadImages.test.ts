import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../nodes/errors.ts';
import { controlImage } from '../../../nodes/input/controlImage.ts';
import { loadImages } from '../../../nodes/input/loadImages.ts';
import { numberRange } from '../../../nodes/input/numberRange.ts';
import { addPngText } from '../../../nodes/ml/image/pngText.ts';
import { dispose, ones } from '../../../nodes/ml/tf.ts';
import type { ControlNet, Images } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { identified } from '../../support/identified.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const png = async (width: number, level: number) =>
  new Uint8Array(
    await sharp({ create: { width, height: 2, channels: 3, background: { r: level, g: 0, b: 255 } } })
      .png()
      .toBuffer(),
  );

describe('load images', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  const files = {
    ...memoryFiles({
      'set/10.png': await png(3, 10),
      'set/2.PNG': await png(3, 2),
      'set/notes.txt': 'x',
      'wide.png': await png(5, 1),
      'none/a.txt': '',
    }),
    async decodeImage(bytes: Uint8Array) {
      const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, rgb: new Uint8Array(data) };
    },
  };
  const { context } = nodeContext({ files });

  it('takes a folder in natural order, and several lines', async () => {
    const { images } = await loadImages.run({}, { path: 'set' }, context);
    expect(images.labels).toEqual(identified([{ name: '2.PNG' }, { name: '10.png' }]));
    expect(images.pixels.shape).toEqual([2, 2, 3, 3]);
    const values = await images.pixels.data();
    expect([values[0], values[2], values[18]].map((value) => (value ?? 0) * 255)).toEqual(
      [2, 255, 10].map((v) => expect.closeTo(v, 4)),
    );
    const lines = await loadImages.run({}, { path: 'set/10.png\n\n set/2.PNG \n' }, context);
    expect(lines.images.labels.map(({ name }) => name)).toEqual(['10.png', '2.PNG']);
    expect(loadImages.files?.({ path: 'set/10.png\n\n set/2.PNG ' })).toEqual(['set/10.png', 'set/2.PNG']);
    dispose([images.pixels, lines.images.pixels]);
  });

  it('remembers the prompt and the seed of images that Noiseloom saved', async () => {
    const known = addPngText(await png(3, 1), { Prompt: 'a red dog', Seed: '7' });
    const after = new Uint8Array([...known, 1, 2, 3]); // bytes after the end are no part of the image
    const saved = { ...files, ...memoryFiles({ 'a.png': after, 'b.png': addPngText(await png(3, 1), { Seed: 'x' }) }) };
    const { context } = nodeContext({ files: { ...saved, decodeImage: files.decodeImage } });
    const { images } = await loadImages.run({}, { path: 'a.png\nb.png' }, context);
    expect(images.labels).toEqual(identified([{ name: 'a.png', prompt: 'a red dog', seed: 7 }, { name: 'b.png' }]));
    dispose(images.pixels);
  });

  it('explains sizes that differ and folders without images', async () => {
    const failing = async (path: string) => loadImages.run({}, { path }, context);
    await expect(failing('set/2.PNG\nwide.png')).rejects.toThrow('"2.PNG" is 3x2, but "wide.png" is 5x2');
    await expect(failing('none')).rejects.toThrow(/holds no image .*; it holds a.txt/);
    await expect(failing('set/11.png')).rejects.toBeInstanceOf(UserError);
  });

  it('names the file that is no image, or too large, and stays itself where the program is wrong', async () => {
    const failing = (error: Error) => {
      const broken = { ...files, decodeImage: () => Promise.reject(error) };
      return loadImages.run({}, { path: 'set' }, nodeContext({ files: broken }).context);
    };
    for (const code of ['BAD_IMAGE', 'TOO_LARGE'])
      await expect(failing(new UserError(code, 'It cannot be read.'))).rejects.toMatchObject({
        code,
        message: '"2.PNG": It cannot be read.',
        at: { param: 'path' },
      });
    await expect(failing(new TypeError('x'))).rejects.toBeInstanceOf(TypeError);
  });

  it('makes a condition that owns its image', async () => {
    const images: Images = { pixels: ones([1, 2, 3, 3]), labels: [{}] };
    const inputs = { controlnet: {} as ControlNet, images };
    const { condition } = await controlImage.run(inputs, { scale: 0.5, start: 0, end: 0.8 }, context);
    expect(condition.image).not.toBe(images.pixels);
    expect(condition).toMatchObject({ scale: 0.5, start: 0, end: 0.8 });
    expect(() => controlImage.run(inputs, { scale: 1, start: 0.5, end: 0.5 }, context)).toThrow(/set end above start/);
    dispose([images.pixels, condition.image]);
  });
});

describe('number range', () => {
  it('counts', async () => {
    expect(await numberRange.run({}, { first: 1, step: -0.5, count: 4 }, nodeContext().context)).toEqual({
      numbers: [1, 0.5, 0, -0.5],
    });
  });
});
