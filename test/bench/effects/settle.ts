import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { writeAtomic } from '../../../electron/files/disk.ts';

/**
 * Settings of a folder whose results may be added to only under the same ones: writes them, or reads what `found` gave when
 * they were written. Throws an Error where the folder has others.
 */
export async function settle<Found>(path: string, settings: object, find: () => Promise<Found>): Promise<Found> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) {
    const found = await find();
    await writeAtomic(path, `${JSON.stringify({ settings, found }, null, 2)}\n`);
    return found;
  }
  const kept = JSON.parse(text) as { readonly settings: object; readonly found: Found };
  if (isDeepStrictEqual(kept.settings, JSON.parse(JSON.stringify(settings)))) return kept.found;
  throw new Error(
    `"${path}" is of other settings: ${JSON.stringify(kept.settings)}. Use those to go on, or another folder by --out.`,
  );
}
