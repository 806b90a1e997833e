#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { UserError } from '../../nodes/errors.ts';
import { version } from '../files/folders.ts';
import { addBenchCommand } from './bench.ts';
import { addCheckCommand } from './check.ts';
import { addDevicesCommand } from './devices.ts';
import { exitCodes } from './exitCodes.ts';
import { interrupt } from './interrupt.ts';
import { addModelsCommand } from './models.ts';
import { addNodesCommand } from './nodes.ts';
import { addRerunCommand } from './rerun.ts';
import { addRunCommand } from './run.ts';
import { addScoreCommand } from './score.ts';
import { addServeCommand } from './serve.ts';
import { printJson, remark, writeErr, writeOut } from './terminal.ts';
import { addTrainCommand } from './train.ts';
import { UsageError } from './usageError.ts';
import { addVerifyCommand } from './verify.ts';
import { addWorldCommand } from './world.ts';

/** The codes of errors that say the call or the graph was wrong, rather than that work failed. */
const usageCodes: ReadonlySet<string> = new Set([
  'NOT_JSON',
  'NOT_A_GRAPH',
  'TOO_NEW',
  'TOO_LARGE',
  'NO_GRAPH',
  'NOT_UTF8',
  'BAD_PNG',
  'BAD_MODEL_NAME',
  'NO_RUN',
]);

const program = new Command('noiseloom')
  .description('Wires noise, generators and rewards into graphs that make better images.')
  .version(version, '-V, --version')
  .exitOverride()
  .configureOutput({ writeOut, writeErr: (text) => writeErr(text.replace(/^error: /, '')) })
  .addHelpText(
    'after',
    '\nFirst steps: noiseloom run template:first-image\nExit codes: 0 done, 1 failed, 2 bad usage or invalid graph, 130 interrupted',
  );
for (const add of [
  addRunCommand,
  addRerunCommand,
  addScoreCommand,
  addCheckCommand,
  addNodesCommand,
  addDevicesCommand,
  addModelsCommand,
  addVerifyCommand,
  addTrainCommand,
  addWorldCommand,
  addServeCommand,
  addBenchCommand,
]) {
  add(program);
}

let isRead = true;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  isRead = false;
  if (!interrupt()) process.exit(exitCodes.done); // a list of which the reader has seen enough
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = failed(error);
}
// Devices keep threads and handles open; what was printed is flushed first.
process.stdout.write('', () => process.exit(isRead ? process.exitCode : exitCodes.interrupted));

function failed(error: unknown): number {
  const json = process.argv.includes('--json');
  if (error instanceof CommanderError) {
    const exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.invalid;
    if (json && exitCode)
      printJson({ type: 'result', ok: false, exitCode, problems: [{ code: 'USAGE', message: error.message, at: {} }] });
    return exitCode;
  }
  if (error instanceof Error && error.message === 'interrupted') return exitCodes.interrupted;
  if (isOutOfFiles(error)) {
    remark('Too many files are open: raise the limit, e.g. with "ulimit -n 1024", and try again.');
    return exitCodes.failed;
  }
  if (!(error instanceof UserError)) {
    remark(error instanceof Error ? (error.stack ?? error.message) : String(error)); // a mistake of the program itself
    return exitCodes.failed;
  }
  const exitCode = error instanceof UsageError || usageCodes.has(error.code) ? exitCodes.invalid : exitCodes.failed;
  if (json) printJson({ type: 'result', ok: false, exitCode, problems: [error] });
  else remark(error.message);
  return exitCode;
}

function isOutOfFiles(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');
}
