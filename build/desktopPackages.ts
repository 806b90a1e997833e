/**
 * Installs what the window and its packages need, Electron and electron-builder, as build/desktop/package-lock.json says.
 * They are apart from the rest since they ask for a newer Node than the program itself, and since the command line and
 * the editor in a browser do without.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of the packages of the window, installed where they are missing or of another version. Throws an Error. */
export function desktopPackages(root: string): string {
  const folder = join(root, 'build', 'desktop');
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  const isInstalled = ['electron', 'electron-builder'].every((name) => {
    const manifest = join(folder, 'node_modules', name, 'package.json');
    if (!existsSync(manifest)) return false;
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    return version === lock.packages[`node_modules/${name}`]?.version;
  });
  if (isInstalled) return join(folder, 'node_modules');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32', // npm is a script there
  });
  if (status === 0) return join(folder, 'node_modules');
  throw new Error(
    'Electron and electron-builder could not be installed from the package registry. Try again; what was fetched is kept.',
  );
}
