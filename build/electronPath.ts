import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { desktopPackages } from './desktopPackages.ts';

/**
 * The program of Electron's runtime: in the folder that ELECTRON_OVERRIDE_DIST_PATH names, else the one that the package
 * `electron` downloads, once, from its releases. Throws an Error that says what to do.
 */
export function electronPath(root: string): string {
  const named = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (named) return join(named, programName());
  const folder = join(desktopPackages(root), 'electron');
  const installed = () => {
    const file = join(folder, 'path.txt');
    const path = existsSync(file) ? join(folder, 'dist', readFileSync(file, 'utf8')) : '';
    return existsSync(path) ? path : undefined;
  };
  if (!installed()) spawnSync(process.execPath, [join(folder, 'install.js')], { stdio: 'inherit' });
  const path = installed();
  if (path) return path;
  throw new Error(
    "Electron's runtime could not be downloaded. Try again where its releases can be reached, let ELECTRON_OVERRIDE_DIST_PATH name a folder that holds it, or use 'noiseloom serve' with a browser.",
  );
}

function programName(): string {
  if (process.platform === 'darwin') return 'Electron.app/Contents/MacOS/Electron';
  return process.platform === 'win32' ? 'electron.exe' : 'electron';
}
