import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { isFileName } from '../../nodes/files.ts';
import { makeFolder, writeAtomic } from '../files/disk.ts';

/** Endings of images that input/load-images reads. */
const endings = /^\.(png|jpe?g|webp|avif|gif|tiff?)$/i;
/** Images of one name that differ. */
const MOST = 10_000;

/**
 * Writes an image into a folder under its name, or where another one has that under the name with a number; one that is
 * there already is not written again. Gives its path. Throws UserError `BAD_NAME` and `WRITE_FAILED`.
 */
export async function keepImage(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  const [file, ending] = [basename(name), extname(name)];
  const stem = file.slice(0, file.length - ending.length);
  if (!endings.test(ending) || !isFileName(file) || stem === '')
    throw new UserError('BAD_NAME', `"${name}" is not named as an image: png, jpg, webp, avif, gif or tif.`);
  await makeFolder(folder);
  for (let number = 1; number < MOST; number++) {
    const path = join(folder, number === 1 ? file : `${stem}-${number}${ending}`);
    const there = await readFile(path).catch(() => undefined);
    if (there?.equals(bytes)) return path;
    if (there) continue;
    await writeAtomic(path, bytes);
    return path;
  }
  throw new UserError('BAD_NAME', `There are ${MOST} images named "${file}" in "${folder}": delete some.`);
}
