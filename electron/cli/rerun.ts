import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Files } from '../../nodes/files.ts';
import type { RunFolder, RunRecord } from '../files/runFolder.ts';
import { collect } from './collect.ts';
import { exitCodes } from './exitCodes.ts';
import { parseDevice } from './parseDevice.ts';
import { runIntoFolder, toExitCode } from './run.ts';
import { columns, print, printJson, remark } from './terminal.ts';
import { UsageError } from './usageError.ts';

interface RerunFlags {
  readonly out: string;
  readonly device?: string;
  readonly allow?: readonly string[];
  readonly json?: boolean;
}

export function addRerunCommand(program: Command): void {
  program
    .command('rerun')
    .summary('repeat a run and compare')
    .description(
      'Repeats a run from its run.json into a new folder and compares all that it wrote: on the same device every pixel is the same; on another one the largest difference is printed. Models and files that have changed since are named. Exits with 1 where something differs on the same device.',
    )
    .argument('<run-folder>', 'the folder of a finished run')
    .option('-o, --out <folder>', 'where the folder of the new run is made', 'noiseloom-runs')
    .option('-d, --device <name>', 'auto, cuda, native, webgpu, wasm or cpu; by default that of the run')
    .option('--allow <path>', 'a folder or file that the graph may read besides the current folder and models', collect)
    .option('--json', 'print events as NDJSON, the last line with the comparison')
    .action(async (folder: string, flags: RerunFlags) => {
      process.exitCode = await rerun(folder, flags);
    });
}

async function rerun(location: string, flags: RerunFlags): Promise<number> {
  const [{ readRecord }, { prepareRun }, { readGraph }, { library }, { chosenFiles }] = await Promise.all([
    import('../files/recordedRuns.ts'),
    import('../../graphs/engine/engine.ts'),
    import('../../graphs/document/read.ts'),
    import('../../nodes/index.ts'),
    import('./chosenFiles.ts'),
  ]);
  const folder = resolve(location);
  const record = await readRecord(dirname(folder), basename(folder));
  if (record.state !== 'done')
    throw new UsageError(`The run in "${location}" is ${record.state}: only a run that is done can be repeated.`);
  const { document } = readGraph(JSON.stringify(record.graph.document), library);
  const { targets, graph } = record;
  const asked = targets ? { targets } : {};
  const prepared = prepareRun(document, asked, library);
  if (prepared.problems.length > 0)
    throw new UsageError(`The graph of this run no longer runs: ${prepared.problems[0]?.message}`);
  // the record may be a stranger's: what it says of its graph's folder tells where paths start, not what may be read
  const workingFolder = graph.folder ?? process.cwd();
  const files = chosenFiles(workingFolder, [process.cwd(), ...(flags.allow ?? [])]);
  const changed = await changedFiles(record, files);
  if (!flags.json) for (const sentence of changed) remark(sentence);
  const preference = parseDevice(flags.device ?? record.device.name);
  const request = { ...asked, location: folder, workingFolder, files, preference, flags };
  const { status, run, device } = await runIntoFolder(prepared, request);
  if (status !== 'done' || !run) return toExitCode(status);

  const compared = await compareOutputs({ path: folder, record }, run, files);
  const sameDevice = device.description === record.device.description;
  const different = compared.filter(({ difference }) => difference !== 0);
  const exitCode = different.length > 0 && sameDevice ? exitCodes.failed : exitCodes.done;
  if (flags.json) {
    printJson({
      type: 'result',
      ok: exitCode === 0,
      exitCode,
      runFolder: run.path,
      sameDevice,
      changed,
      files: compared,
    });
    return exitCode;
  }
  if (different.length > 0) print(columns(different.map(({ name, difference }) => [name, inWords(difference)])));
  remark(
    different.length === 0
      ? `All ${compared.length} files are the same${sameDevice ? '' : `, though the run was on ${record.device.name}`}. The run folder is`
      : `${different.length} of ${compared.length} files differ${sameDevice ? '' : `; the run was on ${record.device.name}: ${record.device.description}`}. The run folder is`,
  );
  print(run.path);
  return exitCode;
}

/** What nodes read and what has changed since, a sentence each. */
async function changedFiles(record: RunRecord, files: Files): Promise<string[]> {
  const sentences: string[] = [];
  for (const { node, location, sha256 } of record.files) {
    const now = await files
      .locate(location)
      .then(files.fingerprint)
      .catch(() => undefined);
    if (now === sha256) continue;
    const state =
      now === undefined
        ? 'is gone'
        : `has changed: its sha256 was ${sha256.slice(0, 12)}... and is ${now.slice(0, 12)}...`;
    sentences.push(`"${location}", which the node "${node}" reads, ${state}`);
  }
  return sentences;
}

type RecordedRun = Pick<RunFolder, 'path' | 'record'>;

interface Comparison {
  readonly name: string;
  /** Of an image: the largest difference of a pixel, 0 to 255. Of any other file: 0, or `content`. */
  readonly difference: number | 'content' | 'size' | 'missing';
}

/** Compares the files of two runs of a graph by their names, in the order of the first. */
async function compareOutputs(before: RecordedRun, after: RecordedRun, files: Files): Promise<Comparison[]> {
  const names = new Set([...before.record.outputs, ...after.record.outputs].map(({ name }) => name));
  return Promise.all(
    [...names].map(async (name) => {
      const [a, b] = [before, after].map(({ record }) => record.outputs.find((output) => output.name === name));
      if (!a || !b) return { name, difference: 'missing' };
      const read = ({ path }: RecordedRun) => readFile(join(path, name));
      const [x, y] = await Promise.all([read(before), read(after)]);
      if (x.equals(y)) return { name, difference: 0 };
      if (a.mime !== 'image/png') return { name, difference: 'content' };
      return { name, difference: await pixelDifference(x, y, files) };
    }),
  );
}

async function pixelDifference(a: Uint8Array, b: Uint8Array, files: Files): Promise<number | 'size'> {
  const [x, y] = await Promise.all([files.decodeImage(a), files.decodeImage(b)]);
  if (x.width !== y.width || x.height !== y.height) return 'size';
  return x.rgb.reduce((most, value, i) => Math.max(most, Math.abs(value - y.rgb[i]!)), 0);
}

function inWords(difference: Comparison['difference']): string {
  if (typeof difference === 'number') return `a pixel differs by ${difference} of 255`;
  return { content: 'differs', size: 'has another size', missing: 'is in one of them only' }[difference];
}
