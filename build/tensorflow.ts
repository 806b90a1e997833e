/**
 * How TensorFlow.js is bundled for Node. Its `dist/` folders are not valid Node ESM (no file extensions), so every Node
 * program bundles them. tfjs-node needs more care, all of it in one esbuild plugin:
 *
 * - it is written against the `@tensorflow/tfjs` bundle, which brings layers, data and a second copy of the core, while
 *   its kernels need the core only: that name leads to the one core;
 * - it is compiled to ES5, where a class cannot extend the core's ES2015 class `KernelBackend`: a function can stand in;
 * - it asks Node's `util` for two functions that newer Nodes no longer have;
 * - it loads protocol buffers for TensorBoard summaries, which nobody here writes;
 * - it is CommonJS: as an entry point or imported lazily it would have no named exports. And if it asked for the core by
 *   `require`, esbuild would start the core later than the modules that need it, so it finds the core among the globals.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

const place = `globalThis[Symbol.for('noiseloom.tensorflow')]`;
const replacements: Record<string, string> = {
  'put core': `
    import * as core from '@tensorflow/tfjs-core';
    ${place} = core;`,
  '@tensorflow/tfjs': `
    function KernelBackend() {}
    KernelBackend.prototype = ${place}.KernelBackend.prototype;
    module.exports = { ...${place}, KernelBackend };`,
  util: `
    export const isArray = Array.isArray;
    export const isNullOrUndefined = (value) => value === null || value === undefined;`,
  './proto/api_pb': '',
};
const NODE_BACKEND = '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend';

const plugin: Plugin = {
  name: 'tensorflow',
  setup(bundle) {
    const inNamespace = (path: string) => ({ path, namespace: 'tfjs-node' });
    bundle.onResolve({ filter: /^put core$/ }, ({ path }) => inNamespace(path));
    bundle.onResolve({ filter: /^(@tensorflow\/tfjs(-core)?|util|\.\/proto\/api_pb)$/ }, ({ path, importer }) =>
      importer.includes('tfjs-node-gpu') ? inNamespace(path.replace('-core', '')) : undefined,
    );
    bundle.onResolve({ filter: /(nodejs_kernel_backend|register_all_kernels)(\.js)?$/ }, ({ kind, path }) =>
      path.includes('tfjs-node-gpu') && (kind === 'entry-point' || kind === 'dynamic-import')
        ? inNamespace(path)
        : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'tfjs-node' }, ({ path }) => {
      const file = path.replace(/(\.js)?$/, '.js');
      const lazily = path.startsWith(NODE_BACKEND)
        ? `export { NodeJSKernelBackend } from '${file}';`
        : `import '${file}';`;
      return { contents: replacements[path] ?? `import 'put core'; ${lazily}`, resolveDir: root };
    });
  },
};

/** The esbuild options that any bundle for Node with TensorFlow.js in it starts from. */
export const nodeBundle: BuildOptions = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  external: ['electron', 'electron-builder', 'esbuild', 'playwright-core', 'sharp', 'vite', 'webgpu'],
  plugins: [plugin],
  // CommonJS inside an ES module: `require` for Node's own modules, and the file names that emscripten's glue reads.
  banner: {
    js: `import { createRequire as __createRequire } from 'node:module';
import { dirname as __folderOf } from 'node:path';
import { fileURLToPath as __fileURLToPath } from 'node:url';
const require = __createRequire(import.meta.url);
const __filename = __fileURLToPath(import.meta.url);
const __dirname = __folderOf(__filename);`,
  },
  logLevel: 'warning',
};

/** What the sources import -> the file of `bundleTensorflow` that has it. */
const parts: Record<string, string> = {
  '@tensorflow/tfjs-core': 'core',
  '@tensorflow/tfjs-core/dist/register_all_gradients': 'gradients',
  '@tensorflow/tfjs-backend-cpu': 'cpu',
  '@tensorflow/tfjs-backend-wasm': 'wasm',
  '@tensorflow/tfjs-backend-webgpu': 'webgpu',
  [NODE_BACKEND]: 'node',
  '@tensorflow/tfjs-node-gpu/dist/register_all_kernels': 'nodeKernels',
};

/**
 * Bundles TensorFlow.js once into `out/tensorflow/<hash of versions>/` for programs that are not bundled themselves
 * (the tests) and returns import specifier -> file. Safe to run in several processes at once.
 */
export async function bundleTensorflow(): Promise<Record<string, string>> {
  const require = createRequire(import.meta.url);
  const hash = createHash('sha256').update(await readFile(fileURLToPath(import.meta.url)));
  for (const name of Object.keys(parts)) hash.update(await readFile(packageFile(require, name)));
  const folder = join(root, 'out', 'tensorflow', hash.digest('hex').slice(0, 12));
  if (!existsSync(folder)) {
    await mkdir(dirname(folder), { recursive: true });
    const fresh = await mkdtemp(`${folder}.`);
    const entryPoints = Object.fromEntries(Object.entries(parts).map(([specifier, part]) => [part, specifier]));
    await build({ ...nodeBundle, absWorkingDir: root, entryPoints, outdir: fresh, outExtension: { '.js': '.mjs' } });
    await rename(fresh, folder).catch(() => rm(fresh, { recursive: true })); // another process was first
  }
  return Object.fromEntries(Object.entries(parts).map(([specifier, part]) => [specifier, join(folder, `${part}.mjs`)]));
}

function packageFile(require: NodeJS.Require, specifier: string): string {
  const name = specifier.split('/').slice(0, 2).join('/');
  return require.resolve(`${name}/package.json`);
}
