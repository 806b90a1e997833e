import { defineNode } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { type Files, joinPath } from '../files.ts';
import { identify } from '../ml/image/imageIds.ts';
import { isPng, readPngText } from '../ml/image/pngText.ts';
import { refuseLargeBatch } from '../ml/image/refuseLargeBatch.ts';
import { tensor4d } from '../ml/tf.ts';
import { file } from '../params.ts';
import type { ImageLabel } from '../ports.ts';
import { largest, readWhole } from '../readWhole.ts';

const endings = ['png', 'jpg', 'jpeg', 'webp', 'avif', 'gif', 'tif', 'tiff'] as const;

export const loadImages = defineNode({
  type: 'input/load-images',
  version: 1,
  title: 'Load images',
  summary:
    'Images from files, as one batch; they must be of one size. Images that Noiseloom saved know their prompt and seed.',
  inputs: {},
  params: {
    path: file({
      initial: '',
      accept: endings,
      folder: true,
      help: 'An image, a folder of images (taken in the order of their names, 2 before 10), or several of either, one a line.',
    }),
  },
  outputs: { images: 'images' },
  files: ({ path }) => readLines(path),
  async run(_inputs, { path }, { files, progress }) {
    const paths = (await Promise.all(readLines(path).map((line) => imagesAt(line, files)))).flat();
    const loaded: { width: number; height: number; rgb: Uint8Array; name: string; label: ImageLabel }[] = [];
    for (const [i, each] of paths.entries()) {
      const name = each.slice(each.lastIndexOf('/') + 1);
      await progress(i / paths.length, name);
      const bytes = await readWhole(files, each, largest.image);
      const image = await decode(bytes, name, files);
      refuseLargeBatch(paths.length, image.width, image.height);
      loaded.push({ ...image, name, label: { name, ...readOrigin(bytes) } });
    }
    const [first] = loaded as [(typeof loaded)[0]];
    const { width, height } = first;
    const other = loaded.find((image) => image.width !== width || image.height !== height);
    if (other) {
      const sizes = `"${first.name}" is ${width}x${height}, but "${other.name}" is ${other.width}x${other.height}`;
      throw new UserError('SIZES_DIFFER', `The images must be of one size: ${sizes}.`, { at: { param: 'path' } });
    }
    const values = new Float32Array(loaded.length * height * width * 3);
    for (const [i, { rgb }] of loaded.entries())
      values.set(
        Float32Array.from(rgb, (byte) => byte / 255),
        i * rgb.length,
      );
    const pixels = tensor4d(values, [loaded.length, height, width, 3]);
    return {
      images: await identify(
        pixels,
        loaded.map(({ label }) => label),
      ),
    };
  },
});

/** The pixels of a file. Throws UserError `BAD_IMAGE` and `TOO_LARGE`, which name it. */
async function decode(bytes: Uint8Array, name: string, files: Files): ReturnType<Files['decodeImage']> {
  try {
    return await files.decodeImage(bytes);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(cause.code, `"${name}": ${cause.message}`, { cause, at: { param: 'path' } });
  }
}

/** The prompt and seed that Noiseloom wrote into a PNG. */
function readOrigin(bytes: Uint8Array): Pick<ImageLabel, 'prompt' | 'seed'> {
  const texts = isPng(bytes) ? readPngText(bytes) : new Map<string, string>();
  const [prompt, seed] = [texts.get('Prompt'), texts.get('Seed')];
  return {
    ...(prompt !== undefined && { prompt }),
    ...(seed !== undefined && Number.isSafeInteger(Number(seed)) && { seed: Number(seed) }),
  };
}

function readLines(path: string): string[] {
  return path
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** A file itself, or the images directly inside a folder in natural order. */
async function imagesAt(location: string, files: Files): Promise<string[]> {
  const path = await files.locate(location);
  const names = await files.list(path);
  if (!names) return [path];
  const images = names
    .filter((name) => endings.some((ending) => name.toLowerCase().endsWith(`.${ending}`)))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  if (images.length > 0) return images.map((name) => joinPath(path, name));
  throw new UserError(
    'NO_IMAGES',
    `The folder "${path}" holds no image (${endings.join(', ')}); it holds ${names.slice(0, 5).join(', ') || 'nothing'}.`,
    { at: { param: 'path' } },
  );
}
