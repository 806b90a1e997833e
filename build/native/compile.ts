import { spawnSync } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ADDON_NAME, nameOpsLibrary, opsFolder, QUIET_NAME } from '../../electron/devices/native/nativeFolders.ts';
import { packageFolder } from '../../electron/files/folders.ts';

const mac = process.platform === 'darwin';
const require = createRequire(join(packageFolder, 'package.json'));
const own = (name: string) => join(packageFolder, 'build', 'native', name);

type Compiler = readonly [command: string, ...args: string[]];

/** The C++ compiler of this machine. Throws an Error that says how to get one. */
export function findCompiler(): Compiler {
  const found = firstThatRuns([[process.env.CXX ?? 'c++'], ['g++'], ['clang++']]);
  if (!found) throw new Error(`A C++ compiler is missing (${mac ? 'xcode-select --install' : 'Debian: g++'}).`);
  return found as [string];
}

/** The first of these commands that tells its version. */
export function firstThatRuns(commands: string[][]): string[] | undefined {
  return commands.find(([command = '', ...args]) => spawnSync(command, [...args, '--version']).status === 0);
}

/** Compiles tfjs-node's addon and the one that silences it into a folder that holds TensorFlow's libraries and headers. */
export function compileAddons(compiler: Compiler, folder: string): void {
  const binding = join(dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')), 'binding');
  run(compiler, [
    ...[...common(), '-O2', '-w', `-I${join(folder, 'tensorflow', 'include')}`, `-I${binding}`],
    ...[join(binding, 'tfjs_backend.cc'), join(binding, 'tfjs_binding.cc')],
    ...[...libraries(folder, ['cc', 'framework']), '-o', join(folder, ADDON_NAME)],
  ]);
  run(compiler, [...common(), '-O2', own('quiet.cc'), '-o', join(folder, QUIET_NAME)]);
}

/** Compiles Noiseloom's own ops into a folder that holds TensorFlow's libraries. */
export async function compileOps(compiler: Compiler, folder: string): Promise<void> {
  const library = join(folder, nameOpsLibrary());
  const fresh = `${library}.${process.pid}`;
  try {
    run(compiler, [
      ...[...common(), '-O3', '-fopenmp-simd', '-fno-math-errno', '-fno-trapping-math', '-Wno-psabi'],
      ...[join(opsFolder, 'ops.cc'), ...libraries(folder, ['framework']), '-o', fresh],
    ]);
    await rename(fresh, library);
  } finally {
    await rm(fresh, { force: true });
  }
}

function common(): string[] {
  const nodeHeaders = join(dirname(require.resolve('node-api-headers/package.json')), 'include');
  const shared = mac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  return ['-std=c++17', '-fPIC', '-DNAPI_VERSION=8', `-I${nodeHeaders}`, ...shared];
}

/** Those of TensorFlow's libraries, and the note where they will lie beside the addon. */
function libraries(folder: string, names: readonly string[]): string[] {
  const paths = names.map((name) =>
    join(folder, 'tensorflow', mac ? `libtensorflow_${name}.2.dylib` : `libtensorflow_${name}.so.2`),
  );
  return [...paths, `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}/tensorflow`];
}

function run([command, ...first]: Compiler, args: string[]): void {
  const { status, stderr } = spawnSync(command, [...first, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The compiler failed:\n${stderr.slice(0, 2000)}`);
}
