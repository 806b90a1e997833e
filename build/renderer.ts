/**
 * `npm run build`: bundles the window by Vite into out/renderer, unless none of its sources and no dependency changed
 * since the last time.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { packageFolder as root } from '../electron/folders.ts';
import { windowConfig } from './vite.config.ts';

/** What the window is made of, besides types. */
const sources = ['renderer', 'graphs', 'nodes', 'build/vite.config.ts', 'package-lock.json'];
const stampFile = join(root, 'out', 'renderer.json');

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => (name === 'ml' ? [] : filesIn(join(path, name))));
}

const stamp = JSON.stringify(
  sources.flatMap((source) => filesIn(join(root, source))).map((file) => [file, statSync(file).mtimeMs]),
);
const isFresh =
  existsSync(join(root, 'out', 'renderer', 'index.html')) &&
  existsSync(stampFile) &&
  readFileSync(stampFile, 'utf8') === stamp;
if (!isFresh) {
  await build(windowConfig(root));
  writeFileSync(stampFile, stamp);
}
