import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { didYouMean } from '../../graphs/document/suggest.ts';
import { packageFolder } from '../files/folders.ts';
import { exitCodes } from './exitCodes.ts';
import { UsageError } from './usageError.ts';

export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .summary('measure speed (in a checkout)')
    .description('Runs the benchmarks of a checkout and prints their figures; exits with 1 if a goal is not met.')
    .argument('[name]', 'a benchmark, e.g. engine; by default all that take minutes')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', '\nWhat follows the name goes to the benchmark, e.g. noiseloom bench effects --quick')
    .action(async (name: string | undefined, _flags: unknown, command: Command) => {
      process.exitCode = await bench(name, command.args.slice(1));
    });
}

/** By name only: two run for hours, and one writes a model. */
const byNameOnly: readonly string[] = ['effects', 'reliability', 'mini'];

async function bench(name: string | undefined, rest: readonly string[]): Promise<number> {
  const folder = join(packageFolder, 'test', 'bench');
  const scripts = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.ts'));
  const names = scripts.map((file) => file.slice(0, -3)).sort();
  if (names.length === 0)
    throw new UsageError(`There are no benchmarks in "${folder}": they come with a checkout only.`);
  if (name !== undefined && !names.includes(name)) {
    throw new UsageError(
      `There is no benchmark "${name}".${didYouMean(name, names)} The benchmarks are ${names.join(', ')}.`,
    );
  }
  let worst: number = exitCodes.done;
  for (const each of name === undefined ? names.filter((each) => !byNameOnly.includes(each)) : [name]) {
    const script = [join(packageFolder, 'build', 'run.mjs'), join(folder, `${each}.ts`), ...rest];
    const child = spawn(process.execPath, script, { stdio: 'inherit' });
    const code = await new Promise<number | null>((done, failed) => child.on('close', done).on('error', failed));
    worst = Math.max(worst, code ?? exitCodes.interrupted);
  }
  return worst;
}
