/**
 * `npm run setup:native [-- --cuda] [--optional]`: gets native TensorFlow ready for this user, once.
 *
 * Uses an existing build if it loads; else builds from a TensorFlow wheel; else downloads the official archive; else prints
 * one sentence about each failure. Then it compiles Noiseloom's own ops where there is a compiler. An interrupted run resumes
 * where it stopped. The exit code is 1 on failure, or 0 with --optional: everything also runs without native TensorFlow, on
 * WebGPU or WebAssembly.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DownloadOptions } from '../electron/devices/native/download.ts';
import {
  ADDON_NAME,
  addonPath,
  type NativeKind,
  nameOpsLibrary,
  nativeBuilds,
  nativeRoot,
  QUIET_NAME,
} from '../electron/devices/native/nativeFolders.ts';
import { takeArchive } from '../electron/devices/native/takeArchive.ts';
import { compileOps, findCompiler } from './native/compile.ts';
import { buildFromWheel } from './native/fromWheel.ts';

const options = process.argv.slice(2);
const unknown = options.find((option) => option !== '--cuda' && option !== '--optional');
if (unknown) {
  console.error(
    `Unknown option ${unknown}: there are --cuda (for an NVIDIA graphics card) and --optional (never fail).`,
  );
  process.exit(2);
}
const kind: NativeKind = options.includes('--cuda') ? 'cuda' : 'cpu';

async function setUp(): Promise<boolean> {
  const broken: string[] = [];
  for (const folder of nativeBuilds([kind])) {
    const result = tryLoad(folder);
    if (result.loads) return ready(folder, result.text);
    broken.push(`What is in ${folder} does not load: ${result.text}`);
  }
  const reasons = broken;
  if (process.env.NOISELOOM_NATIVE) {
    reasons.push(`NOISELOOM_NATIVE names ${process.env.NOISELOOM_NATIVE}, so nothing else is set up.`);
  } else {
    mkdirSync(nativeRoot(), { recursive: true });
    for (const [way, get] of [
      ['From a wheel', buildFromWheel],
      ['From the official archive', (kind: NativeKind) => takeArchive(kind, { emit: printProgress() })],
    ] as const) {
      try {
        const folder = await get(kind);
        const result = tryLoad(folder);
        if (result.loads) return ready(folder, result.text);
        reasons.push(`${way}: it does not load: ${result.text}`);
      } catch (error) {
        reasons.push(`${way}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  console.error('Native TensorFlow could not be set up.');
  for (const reason of reasons) console.error(`- ${reason}`);
  console.error('Everything also runs without it, on WebGPU or (slowly) on WebAssembly.');
  return false;
}

async function ready(folder: string, version: string): Promise<true> {
  console.log(`Native TensorFlow ${version} is ready in ${folder}.`);
  const library = nameOpsLibrary();
  if (existsSync(join(folder, library)) || !existsSync(join(folder, ADDON_NAME))) return true;
  try {
    await compileOps(findCompiler(), folder);
    const { loads, text } = tryLoad(folder, library);
    if (!loads) {
      await rm(join(folder, library));
      throw new Error(`they do not load: ${text}`);
    }
    console.log("Noiseloom's own ops are compiled.");
  } catch (error) {
    console.log(`It runs slower, without Noiseloom's own ops: ${error instanceof Error ? error.message : error}`);
  }
  return true;
}

/** Says every two seconds how far a download is. */
function printProgress(): NonNullable<DownloadOptions['emit']> {
  let told = 0;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  return ({ done, total }) => {
    if (Date.now() - told < 2000) return;
    told = Date.now();
    console.error(`  ${megabytes(done)} of ${total === undefined ? '?' : megabytes(total)} MB`);
  };
}

/**
 * Loads a build, and another addon after it, in a process of its own, because a bad one can end the process. `text` is
 * TensorFlow's version or why not.
 */
function tryLoad(folder: string, more?: string): { loads: boolean; text: string } {
  const program = `
    const [quiet, addon, ...more] = process.argv.slice(1);
    try { require(quiet).hush(); } catch {}
    try { console.log(require(addon).TF_Version); more.forEach((each) => require(each)); } catch (error) { console.log(error.message); process.exitCode = 1; }`;
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    ['-e', program, join(folder, QUIET_NAME), addonPath(folder) ?? folder, ...(more ? [join(folder, more)] : [])],
    { encoding: 'utf8', timeout: 120_000, env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' } },
  );
  const text = stdout.trim().split('\n').at(-1) || `it ended with ${signal ?? `exit code ${status}`}`;
  return { loads: status === 0, text };
}

if (!(await setUp()) && !options.includes('--optional')) process.exitCode = 1;
