import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { isDeviceName } from '../../nodes/files.ts';

/** Whether a path is a folder itself or lies in it; links are not followed. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** For `FileFolders.mayRead`: what is one of some files and folders, or lies in one, links followed. */
export function within(places: () => Promise<readonly string[]>): (path: string) => Promise<boolean> {
  return async (path) => {
    for (const place of await places())
      if (isInside(path, await realpath(place).catch(() => resolve(place)))) return true;
    return false;
  };
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
