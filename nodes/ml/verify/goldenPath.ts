import { UserError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import type { GoldenFolder } from './family.ts';

/**
 * Where a folder lies that case.json names by its path in the reference's tree (`shared/golden/taesd/real`) and that is
 * stored once for all sets: beside case.json, along the way up from there, or in the golden folders of this repository.
 * Throws UserError `NOT_FOUND`.
 */
export async function locateShared({ files, path }: GoldenFolder, stated: string): Promise<string> {
  const parts = stated.split('/');
  const ends = parts.map((_, i) => parts.slice(i).join('/'));
  const above = [path];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) above.push(path.slice(0, at));
  const candidates = [...above.flatMap((folder) => ends.map((end) => joinPath(folder, end)))];
  for (const candidate of candidates) {
    if ((await files.list(candidate)) || (await files.size(candidate)) !== undefined) return candidate;
  }
  try {
    return await files.locate(joinPath('test/golden', parts.slice(-2).join('/')));
  } catch (cause) {
    throw new UserError('NOT_FOUND', `There is no "${stated}" in "${path}" or in a folder above it.`, { cause });
  }
}
