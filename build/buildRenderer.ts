import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { windowConfig } from './vite.config.ts';

/** What the window is made of, besides types. */
const sources = ['renderer', 'graphs', 'nodes', 'build/vite.config.ts', 'package-lock.json'];

/** Bundles the window by Vite into out/renderer, unless no source of it and no dependency changed since the last time. */
export async function buildRenderer(root: string): Promise<void> {
  const stampFile = join(root, 'out', 'renderer.json');
  const times = sources.flatMap((source) => filesIn(join(root, source))).map((file) => [file, statSync(file).mtimeMs]);
  const stamp = JSON.stringify(times);
  const isBuilt = existsSync(join(root, 'out', 'renderer', 'index.html')) && existsSync(stampFile);
  if (isBuilt && readFileSync(stampFile, 'utf8') === stamp) return;
  process.env.NODE_ENV = 'production'; // a test runner sets another: React's half for debugging is many times as slow
  await build(windowConfig(root));
  writeFileSync(stampFile, stamp);
}

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => (name === 'ml' ? [] : filesIn(join(path, name))));
}
