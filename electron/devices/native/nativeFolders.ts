import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageFolder } from '../../files/folders.ts';

export type NativeKind = 'cpu' | 'cuda';

/** The addon in a folder that was built here; TensorFlow's libraries lie in `tensorflow/` beside it. */
export const ADDON_NAME = 'tfjs_binding.node';
/** Silences TensorFlow while its libraries load; only in folders that were built here. */
export const QUIET_NAME = 'quiet.node';
/** The sources of Noiseloom's own ops. */
export const opsFolder = join(packageFolder, 'build', 'native', 'ops');
/** The addon in a folder from the official archive, where the published addon finds its libraries in `deps/lib/`. */
export const archiveAddon = join('lib', 'napi-v8', ADDON_NAME);

/** The addon in a folder of either kind; undefined where there is none. */
export function addonPath(folder: string): string | undefined {
  return [ADDON_NAME, archiveAddon].map((name) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * The library of Noiseloom's own ops in a build's folder, where a compiler was found. Its name has a hash of the sources, so
 * that each version of them finds its own library.
 */
export function nameOpsLibrary(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(opsFolder).sort())
    hash.update(`${name}\n`).update(readFileSync(join(opsFolder, name)));
  return `ops-${hash.digest('hex').slice(0, 12)}.node`;
}

/** Where builds of native TensorFlow are kept for this user: outside any checkout, so reinstalling does not lose them. */
export function nativeRoot(): string {
  const home = homedir();
  const cache =
    process.platform === 'win32'
      ? (process.env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'))
      : process.platform === 'darwin'
        ? join(home, 'Library', 'Caches')
        : process.env.XDG_CACHE_HOME || join(home, '.cache');
  return join(cache, 'noiseloom', 'native');
}

/** The folder of one build, e.g. `2.21.0-linux-x64-cpu`. */
export function nativeFolder(version: string, kind: NativeKind): string {
  return join(nativeRoot(), `${version}-${process.platform}-${process.arch}-${kind}`);
}

/**
 * Folders that hold a build for this machine, best first: the one that NOISELOOM_NATIVE names (then no other), else
 * those of the kinds asked for in that order, newest TensorFlow first.
 */
export function nativeBuilds(kinds: readonly NativeKind[]): string[] {
  const named = process.env.NOISELOOM_NATIVE;
  if (named) return addonPath(named) ? [named] : [];
  const root = nativeRoot();
  const names = existsSync(root) ? readdirSync(root).sort(byVersion).reverse() : [];
  return kinds
    .flatMap((kind) => names.filter((name) => name.endsWith(`-${process.platform}-${process.arch}-${kind}`)))
    .map((name) => join(root, name))
    .filter((folder) => addonPath(folder));
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
