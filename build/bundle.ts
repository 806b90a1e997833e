import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { nodeBundle } from './tensorflow.ts';

/**
 * Bundles a program for Node into a new folder inside `folder`: main.mjs and the parts that it imports lazily, so that a
 * command that needs no TensorFlow does not load it. Returns the name of the new folder and the sources of this
 * repository that went in, relative to `root`.
 *
 * Why esbuild here, while Vite bundles the window: Node programs need CommonJS packages inlined with their `require`
 * and packages with binaries left alone, which esbuild does by itself, and it takes a quarter of a second.
 */
export async function bundleProgram(
  root: string,
  entry: string,
  folder: string,
): Promise<{ name: string; inputs: string[] }> {
  await mkdir(folder, { recursive: true });
  await removeOld(folder);
  const fresh = await mkdtemp(join(folder, 'build-'));
  const { metafile } = await build({
    ...nodeBundle,
    absWorkingDir: root,
    entryPoints: { main: entry },
    outdir: fresh,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs);
  return {
    name: basename(fresh),
    inputs: inputs.filter((path) => !path.startsWith('node_modules/') && !path.includes(':')),
  };
}

/** Programs still running import parts of earlier builds: only those of other days go. */
async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const age = Date.now() - (await stat(path)).mtimeMs;
    if (name.startsWith('build-') && age > 24 * 3600 * 1000) await rm(path, { recursive: true, force: true });
  }
}
