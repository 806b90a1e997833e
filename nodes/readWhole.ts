import { UserError } from './errors.ts';
import type { Files } from './files.ts';

/**
 * All bytes of a file that is small by its nature, as configs and vocabularies are. Throws UserError `TOO_LARGE` with both
 * numbers before anything is read, and what `Files.read` throws.
 */
export async function readWhole(files: Pick<Files, 'size' | 'read'>, path: string, most: number): Promise<Uint8Array> {
  const size = (await files.size(path)) ?? 0;
  if (size > most) throw tooLarge(path, size, most);
  return files.read(path);
}

/** As `readWhole`; UTF-8. */
export async function readText(files: Pick<Files, 'size' | 'read'>, path: string, most: number): Promise<string> {
  return new TextDecoder().decode(await readWhole(files, path, most));
}

export function tooLarge(path: string, size: number, most: number): UserError {
  return new UserError('TOO_LARGE', `"${path}" has ${size} bytes; at most ${most} are read of a file of its kind.`);
}

/** Bytes of the largest files by their kind; each is several times the largest that is published. */
export const largest = {
  config: 2 ** 22,
  vocabulary: 2 ** 26,
  merges: 2 ** 24,
  index: 2 ** 24,
  image: 2 ** 28,
  statistics: 2 ** 28,
} as const;
