import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, parse, relative, resolve, sep } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { isDeviceName } from '../../nodes/files.ts';

/** Whether a path is a folder itself or lies in it; links are not followed. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** A path that starts at `~`, which a shell leaves alone in `name=~/file`, in the home of this user; others as they are. */
export function expandHome(path: string): string {
  return /^~[\\/]/.test(path) ? join(homedir(), path.slice(2)) : path;
}

/**
 * For `FileFolders.mayRead`: what is one of some files and folders, or lies in one, links followed; and what belongs to a
 * file of a model among them, see `belongsTo`.
 */
export function within(places: () => Promise<readonly string[]>): (path: string) => Promise<boolean> {
  return async (path) => {
    for (const place of await places()) {
      const real = await realpath(place).catch(() => resolve(place));
      if (isInside(path, real) || belongsTo(path, real)) return true;
      const beside = await realpath(dirname(resolve(place))).catch(() => undefined); // a link, which leads elsewhere
      if (beside !== undefined && belongsTo(path, join(beside, basename(place)))) return true;
    }
    return false;
  };
}

/** What a model's file is read with. */
const companions =
  /^((added_tokens|config|med_config|open_clip_config|preprocessor_config|special_tokens_map|tokenizer|tokenizer_config|vision_config|vocab)\.json|merges\.txt|vocab\.txt|bpe\w*\.txt\.gz)$/;

/**
 * Whether a path belongs to a model's file: a vocabulary or config beside it or in `tokenizer` beside it, a `.yaml` of the
 * same name, or a part that an index names.
 */
function belongsTo(path: string, file: string): boolean {
  const [folder, name] = [dirname(file), basename(path)];
  if (path === join(folder, 'tokenizer')) return true;
  if (dirname(path) === join(folder, 'tokenizer')) return companions.test(name);
  if (dirname(path) !== folder) return false;
  const { name: stem } = parse(file);
  if (companions.test(name) || name === `${stem}.yaml` || name === `${stem}.yml`) return true;
  const start = /^(.+?)(\.[\w-]+)?\.index(\.[\w-]+)?\.json$/.exec(basename(file))?.[1]?.replace(/\.\w+$/, '');
  return start !== undefined && name.startsWith(start) && /-\d{5}-of-\d{5}\b/.test(name);
}

/** For `FileFolders.mayRead` where every path comes from the user's own hand, as on a command line. */
export const anywhere = async (): Promise<boolean> => true;

/**
 * Refuses what is no path to a file on a disk, before the system is asked for it: `\\host\share` would be asked for over the
 * network, and `con` waits for the keyboard. The same on every system. Throws UserError `NOT_ALLOWED`.
 */
export function refuseUnnamed(path: string): void {
  if (/^[\\/]{2}/.test(path))
    throw new UserError('NOT_ALLOWED', `"${path}" is a place in a network; graphs read files of this machine only.`);
  const device = path.split(/[\\/]/).find(isDeviceName);
  if (device !== undefined)
    throw new UserError('NOT_ALLOWED', `"${path}" cannot be read: "${device}" is the name of a device. Rename it.`);
}
