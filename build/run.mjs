#!/usr/bin/env node
/**
 * Runs a TypeScript program of this repository: `node build/run.mjs FILE.ts [ARGUMENT...]`.
 *
 * Bundles it into out/<its path>/ first, but only when one of its sources, the bundler or a dependency changed since
 * the last time (dependencies by package-lock.json), which costs a few milliseconds to see. Where there are no sources or no
 * esbuild, as in an installed package, what is in out/ runs as it is. Plain JavaScript, for any Node >= 20.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [source, ...rest] = process.argv.slice(2);
if (!source) {
  console.error('Usage: node build/run.mjs FILE.ts [ARGUMENT...]');
  process.exit(2);
}
const entry = relative(root, resolve(source));
const folder = join(root, 'out', entry.replace(/\.ts$/, ''));
const latest = join(folder, 'latest.json'); // { name: folder of the last build, stamp: source -> time of change }
const always = ['package-lock.json', 'build/run.mjs', 'build/bundle.ts', 'build/tensorflow.ts'];

/** Time of change of each file; undefined where there is none. */
function stamp(files) {
  return Object.fromEntries(
    files.map((file) => [file, statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs]),
  );
}

function readLatest() {
  return existsSync(latest) ? JSON.parse(readFileSync(latest, 'utf8')) : undefined;
}

function isFresh() {
  const last = readLatest();
  if (!last || !existsSync(join(folder, last.name, 'main.mjs'))) return false;
  const now = stamp(Object.keys(last.stamp));
  return Object.entries(last.stamp).every(([file, time]) => now[file] === time);
}

async function bundle() {
  const { build } = await import('esbuild').catch(() => {
    console.error("The packages that this checkout needs are not installed: run 'npm ci' first.");
    process.exit(1);
  });
  const bundler = join(root, 'out', `bundle.${process.pid}.mjs`);
  const own = { entryPoints: [join(root, 'build', 'bundle.ts')], outfile: bundler, packages: 'external' };
  await build({ ...own, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
  try {
    const { bundleProgram } = await import(pathToFileURL(bundler).href);
    const { name, inputs } = await bundleProgram(root, entry, folder);
    const fresh = join(folder, name, 'latest.json');
    writeFileSync(fresh, JSON.stringify({ name, stamp: stamp([...inputs, ...always]) }));
    renameSync(fresh, latest);
  } finally {
    rmSync(bundler);
  }
}

if (existsSync(join(root, entry)) && !isFresh()) await bundle();
const program = join(folder, readLatest().name, 'main.mjs');
process.argv = [process.argv[0], program, ...rest];
try {
  await import(pathToFileURL(program).href);
} catch (error) {
  if (error?.code !== 'EMFILE' && error?.code !== 'ENFILE') throw error;
  console.error('Too many files are open: raise the limit, e.g. with "ulimit -n 1024", and try again.');
  process.exit(1);
}
