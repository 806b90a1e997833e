import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { VerifyReport, VerifyRow } from '../../nodes/ml/verify/verify.ts';
import { exitCodes } from './exitCodes.ts';
import { parseDevice } from './parseDevice.ts';
import { columns, print, printJson, remark } from './terminal.ts';
import { UsageError } from './usageError.ts';

export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .summary('recompute reference tensors')
    .description(
      "Recomputes every tensor of golden folders with this program's own code and compares it with the reference.",
    )
    .argument('[folders...]', 'golden folders; by default all in test/golden of the checkout')
    .option('-d, --device <name>', 'auto, cuda, native, webgpu, wasm or cpu', 'auto')
    .option('--json', 'print one line of JSON a folder, then the result')
    .action(async (folders: string[], flags: { readonly device: string; readonly json?: boolean }) => {
      process.exitCode = await verify(folders, flags.device, flags.json ?? false);
    });
}

async function verify(folders: readonly string[], deviceName: string, json: boolean): Promise<number> {
  const [{ startDevice }, { verifyFolder }, { openFiles }, { fileFolders }, { anywhere }] = await Promise.all([
    import('../engine/startEngine.ts'),
    import('../../nodes/ml/verify/verify.ts'),
    import('../files/files.ts'),
    import('../files/folders.ts'),
    import('../files/paths.ts'),
  ]);
  const device = await startDevice(parseDevice(deviceName));
  const files = openFiles(fileFolders(process.cwd(), anywhere));
  remark(`Verifying on ${device.name}: ${device.description}; tolerances times ${device.toleranceFactor}`);
  const reports: VerifyReport[] = [];
  for (const folder of folders.length > 0 ? folders : await goldenFolders()) {
    const report = await verifyFolder(folder, { files, toleranceFactor: device.toleranceFactor });
    reports.push(report);
    if (json) printJson({ type: 'folder', ...report });
    else print(reportInWords(report));
  }
  const ok = reports.every((report) => report.ok);
  const exitCode = ok ? exitCodes.done : exitCodes.failed;
  const tensors = reports.reduce((sum, { rows }) => sum + rows.length, 0);
  const failed = reports.reduce((sum, { rows }) => sum + rows.filter((row) => !row.ok).length, 0);
  if (json) printJson({ type: 'result', ok, exitCode, device: device.name, folders: reports.length, tensors, failed });
  else print(`${ok ? 'ok' : 'FAIL'}  ${reports.length} folders, ${tensors} tensors, ${failed} failed`);
  return exitCode;
}

function reportInWords({ folder, family, ok, rows, problems }: VerifyReport): string {
  const heading = `${folder}  (${family ?? 'unknown family'})  ${ok ? 'ok' : 'FAIL'}`;
  const table = columns([['  tensor', 'abs error', 'rel error', 'atol', 'rtol', ''], ...rows.map(rowInWords)]);
  return [heading, ...(rows.length > 0 ? [table] : []), ...problems.map((problem) => `  FAIL  ${problem}`)].join('\n');
}

function rowInWords({ name, ok, absoluteError, relativeError, tolerance, problem }: VerifyRow): string[] {
  const figures = [absoluteError, relativeError, tolerance.absolute, tolerance.relative];
  return [
    `  ${name}`,
    ...figures.map((x) => (Number.isNaN(x) ? '-' : x.toExponential(1))),
    ok ? 'ok' : `FAIL ${problem ?? ''}`.trimEnd(),
  ];
}

async function goldenFolders(): Promise<string[]> {
  const { packageFolder } = await import('../files/folders.ts');
  const root = join(packageFolder, 'test', 'golden');
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, name))
    .sort();
  if (folders.length === 0)
    throw new UsageError(`There are no golden folders in "${root}": name some, or run this in a checkout.`);
  return folders;
}
