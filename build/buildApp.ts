import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { nodeBundle } from './tensorflow.ts';

/**
 * Bundles what runs under Electron into out/app: the main process, the preload script of the window, and the engine's
 * process. The window itself is bundled by `renderer.ts`.
 */
export async function buildApp(root: string): Promise<void> {
  const out = join(root, 'out', 'app');
  await rm(out, { recursive: true, force: true });
  const node = {
    ...nodeBundle,
    absWorkingDir: root,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
  };
  await Promise.all([
    build({ ...node, entryPoints: { main: 'electron/main.ts' }, outdir: out }),
    build({ ...node, entryPoints: { main: 'electron/engineProcess.ts' }, outdir: join(out, 'engineProcess') }),
    build({
      absWorkingDir: root,
      entryPoints: ['electron/preload.ts'],
      outfile: join(out, 'preload.cjs'),
      bundle: true,
      format: 'cjs', // a sandboxed preload script can be nothing else
      platform: 'node',
      external: ['electron'],
      logLevel: 'warning',
    }),
  ]);
}
