import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { packageFolder } from '../files/folders.ts';

/** Where the build puts the window. */
export const rendererFolder = join(packageFolder, 'out', 'renderer');

const mimes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
  txt: 'text/plain; charset=utf-8',
};

interface RendererFile {
  readonly path: string;
  readonly mime: string;
}

/**
 * The files of a folder by the path of their address (`/assets/main.js`; `/` is index.html). What is not listed is not
 * served: no address can lead elsewhere.
 */
export async function rendererFiles(folder = rendererFolder): Promise<ReadonlyMap<string, RendererFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, RendererFile>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const mime = mimes[entry.name.split('.').at(-1)!];
    if (mime) files.set(`/${relative(folder, path).split(sep).join('/')}`, { path, mime });
  }
  const index = files.get('/index.html');
  if (index) files.set('/', index);
  return files;
}
