import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { nodeBundle } from './tensorflow.ts';

/**
 * Bundles what runs under Electron into out/app: the main process, preload scripts, the engine's process, and the page
 * that computes by WebGPU. The window itself is bundled by `buildRenderer.ts`.
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
    build({ ...node, entryPoints: { main: 'electron/app/main.ts' }, outdir: out }),
    build({ ...node, entryPoints: { main: 'electron/engine/engineProcess.ts' }, outdir: join(out, 'engineProcess') }),
    build({
      absWorkingDir: root,
      entryPoints: ['electron/app/preload.ts', 'electron/app/enginePreload.ts'],
      outdir: out,
      outExtension: { '.js': '.cjs' },
      bundle: true,
      format: 'cjs', // a sandboxed preload script can be nothing else
      platform: 'node',
      external: ['electron'],
      logLevel: 'warning',
    }),
    build({
      absWorkingDir: root,
      entryPoints: ['electron/engine/engineWindow.ts'],
      outdir: join(out, 'engineWindow'),
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'chrome140',
      mainFields: ['module', 'main'],
      logLevel: 'warning',
    }),
  ]);
  await copyFile(join(root, 'electron/engine/engineWindow.html'), join(out, 'engineWindow', 'engineWindow.html'));
}
