import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../electron/files/folders.ts';
import { mutants } from './mutants/list.ts';

/*
 * Breaks one line after the other and runs the nearest tests, which must fail: node build/run.mjs test/mutants.ts [PART OF A FILE'S NAME].
 * Prints the mutants that survive and those whose line is gone; the exit status is 1 where there are any. Not run in CI.
 */

const chosen = mutants.filter(({ file }) => file.includes(process.argv[2] ?? ''));
let left = 0;
for (const { file, line, broken, tests } of chosen) {
  const path = join(packageFolder, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(line).length !== 2) {
    left++;
    console.log(`GONE      ${file}: ${line}`);
    continue;
  }
  const restore = () => writeFileSync(path, text);
  process.once('SIGINT', restore);
  writeFileSync(
    path,
    text.replace(line, () => broken),
  );
  try {
    const { status } = spawnSync('npx', ['vitest', 'run', '-c', 'build/vitest.config.ts', '--bail=1', ...tests], {
      cwd: packageFolder,
      stdio: 'ignore',
    });
    if (status === 0) left++;
    console.log(`${status === 0 ? 'SURVIVED' : 'caught  '}  ${file}: ${line.trim()}  ->  ${broken.trim()}`);
  } finally {
    restore();
    process.removeListener('SIGINT', restore);
  }
}
console.log(`${chosen.length - left} of ${chosen.length} caught`);
process.exitCode = left === 0 ? 0 : 1;
