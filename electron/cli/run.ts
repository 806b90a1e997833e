import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { GraphDocument } from '../../graphs/document/document.ts';
import type { Problem } from '../../graphs/document/errors.ts';
import { nodeAt } from '../../graphs/document/levels.ts';
import type { PreparedRun } from '../../graphs/engine/engine.ts';
import type { RunEvent, RunStatus } from '../../graphs/run/events.ts';
import { labelOfStep, type Plan } from '../../graphs/run/plan.ts';
import type { Cards } from '../../nodes/card.ts';
import type { Files } from '../../nodes/files.ts';
import type { Device, DevicePreference } from '../../nodes/ml/device.ts';
import type { RunFolder, RunRecord, RunStart } from '../files/runFolder.ts';
import { collect } from './collect.ts';
import { exitCodes } from './exitCodes.ts';
import { gainsInWords } from './gains.ts';
import { parseDevice } from './parseDevice.ts';
import { problemInWords, UsageError } from './problems.ts';
import { showProgress } from './progress.ts';
import { bytesInWords, columns, print, printJson, remark, timeInWords } from './terminal.ts';

interface RunFlags {
  readonly set: readonly string[];
  readonly out: string;
  readonly device: string;
  readonly only?: readonly string[];
  readonly allow?: readonly string[];
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .summary('run a graph')
    .description('Runs a graph and writes its images, tables and run.json into a new folder, whose path it prints.')
    .argument('<graph>', 'a graph file, template:NAME, or a PNG made by Noiseloom')
    .option('-s, --set <node.param=value>', 'set a param for this run (repeat for more)', collect, [])
    .option('-o, --out <folder>', 'where the folder of the run is made', 'noiseloom-runs')
    .option('-d, --device <name>', 'auto, cuda, native, webgpu, wasm or cpu', 'auto')
    .option('--only <node>', 'run only this node and what it needs (repeat for more)', collect)
    .option(
      '--allow <path>',
      'a folder or file that the graph may read besides its own folder and models (repeat for more)',
      collect,
    )
    .option('--json', 'print events as NDJSON, the last line with the result')
    .option('-n, --dry-run', 'check the graph and print what would run')
    .addHelpText('after', '\nExample: noiseloom run template:first-image --set noise.seed=7 --set noise.count=4')
    .action(async (graph: string, flags: RunFlags) => {
      process.exitCode = await run(graph, flags);
    });
}

async function run(location: string, flags: RunFlags): Promise<number> {
  const [{ readGraphText }, { readGraph }, { prepare }, { library }, { chosenFiles }] = await Promise.all([
    import('./openGraph.ts'),
    import('../../graphs/document/read.ts'),
    import('../../graphs/engine/engine.ts'),
    import('../../nodes/index.ts'),
    import('./chosenFiles.ts'),
  ]);
  const preference = parseDevice(flags.device);
  const { text, workingFolder } = await readGraphText(location);
  const { document, problems } = readGraph(text, library);
  const settings = parseSettings(flags.set, document, library, workingFolder);
  const targets = flags.only;
  const options = { settings, ...(targets ? { targets } : {}) };
  const prepared = withProblems(prepare(document, options, library), problems);
  if (prepared.problems.length > 0) return refuse(location, prepared.problems, flags);
  const files = chosenFiles(workingFolder, [workingFolder, ...(flags.allow ?? []), ...placesIn(settings)]);
  if (flags.dryRun) return dryRun(location, prepared, files, flags);

  const { status, record, path } = await runIntoFolder(prepared, {
    ...options,
    location,
    folder: workingFolder,
    files,
    preference,
    flags,
  });
  const exitCode = exitCodeOf(status);
  if (flags.json) {
    const { ms, outputs, problems } = record;
    printJson({
      type: 'result',
      ok: status === 'done',
      status: record.state,
      exitCode,
      runFolder: path,
      ms,
      outputs,
      problems,
    });
  } else {
    for (const { name } of record.outputs.slice(0, 10)) remark(`  ${name}`);
    if (record.outputs.length > 10) remark(`  and ${record.outputs.length - 10} more`);
    remark(`${endings[status]} after ${timeInWords(record.ms ?? 0)}. The run folder is`);
    print(path);
  }
  return exitCode;
}

interface RunRequest extends Pick<RunStart, 'location' | 'folder' | 'settings' | 'targets' | 'files'> {
  readonly preference: DevicePreference;
  readonly flags: Pick<RunFlags, 'out' | 'json'>;
}

/** Runs a graph without problems in this process, tells of it, and records it in a new folder, `path`. */
export async function runIntoFolder(
  { document, plan }: PreparedRun,
  { location, folder: workingFolder, settings, targets, files, preference, flags }: RunRequest,
): Promise<{ status: RunStatus; record: RunRecord; path: string; device: Device }> {
  const [session, { abortOnInterrupt }, { createRunFolder }] = await Promise.all([
    import('../engine/session.ts'),
    import('./interrupt.ts'),
    import('../files/runFolder.ts'),
  ]);
  const device = await session.startDevice(preference);
  const controller = abortOnInterrupt();
  const asked = targets ? { targets } : {};
  const start = {
    ...asked,
    location,
    settings,
    folder: workingFolder,
    document,
    plan,
    device,
    versions: session.versionsOf(device),
    files,
  };
  const folder = await createRunFolder(resolve(flags.out), start, () => controller.abort());
  const engine = session.startEngine(device, files);
  const tell = flags.json ? tellAsJson(folder) : tellPeople(plan, device, folder);
  const { status } = await engine.run(document, asked, tell, controller.signal);
  return { status, record: await folder.finish(status), path: folder.path, device };
}

const endings: Readonly<Record<RunStatus, string>> = {
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Interrupted',
  invalid: 'Refused',
};

export function exitCodeOf(status: RunStatus): number {
  const codes = {
    done: exitCodes.done,
    failed: exitCodes.failed,
    invalid: exitCodes.invalid,
    cancelled: exitCodes.interrupted,
  };
  return codes[status];
}

/** Problems found while reading (wrong shapes) count as well as those of the graph with its settings. */
function withProblems(prepared: PreparedRun, read: readonly Problem[]): PreparedRun {
  const shape = read.filter(({ code }) => code === 'BAD_SHAPE' || code === 'BAD_UPGRADE');
  return { ...prepared, problems: [...shape, ...prepared.problems] };
}

function refuse(location: string, problems: readonly Problem[], { json }: RunFlags): number {
  if (json) printJson({ type: 'result', ok: false, status: 'invalid', exitCode: exitCodes.invalid, problems });
  else {
    remark(`"${location}" cannot run: ${problems.length === 1 ? 'one problem' : `${problems.length} problems`}.`);
    for (const problem of problems) remark(`  ${problem.code}  ${problemInWords(problem)}`);
  }
  return exitCodes.invalid;
}

async function dryRun(location: string, { plan }: PreparedRun, files: Files, flags: RunFlags): Promise<number> {
  const problems: Problem[] = [];
  const { problemOf, placeError } = await import('../../graphs/document/errors.ts');
  for (const step of plan.steps) {
    for (const place of step.definition.files?.(step.params) ?? []) {
      try {
        await files.locate(place);
      } catch (error) {
        problems.push(problemOf(placeError(error, step.id, labelOfStep(step))));
      }
    }
  }
  if (problems.length > 0) return refuse(location, problems, flags);
  const steps = plan.steps.map(({ id, node, params }) => ({ node: id, type: node.type, params }));
  if (flags.json) printJson({ type: 'result', ok: true, status: 'dry-run', exitCode: exitCodes.done, steps });
  else print(columns(plan.steps.map((step) => [labelOfStep(step), step.node.type])));
  return exitCodes.done;
}

/**
 * `node.param=value` of each --set. A path is made absolute where it is one from the current folder, since the graph's
 * own paths start at its file.
 */
function parseSettings(
  set: readonly string[],
  document: GraphDocument,
  cards: Cards,
  workingFolder: string,
): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const each of set) {
    const equals = each.indexOf('=');
    if (equals < 1)
      throw new UsageError(`--set "${each}" has no value. Write it as node.param=value, e.g. noise.seed=7.`);
    const key = each.slice(0, equals);
    const value = each.slice(equals + 1);
    const dot = key.lastIndexOf('.');
    const node = nodeAt(document, key.slice(0, dot).split('/'));
    const kind = cards.get(node?.type ?? '')?.params[key.slice(dot + 1)]?.kind;
    const isPath = (kind === 'file' || kind === 'model') && workingFolder !== process.cwd() && existsSync(value);
    settings[key] = isPath ? resolve(value) : value;
  }
  return settings;
}

/** The files and folders that settings name: the user's own choice, unlike those in the graph. */
function placesIn(settings: Readonly<Record<string, string>>): string[] {
  return Object.values(settings).flatMap((value) => value.split('\n').filter((line) => existsSync(line)));
}

function tellAsJson(folder: RunFolder): (event: RunEvent) => void {
  return (event) => {
    const name = folder.receive(event);
    printJson(name === undefined ? event : { ...event, path: name });
  };
}

function tellPeople({ steps }: Plan, device: Device, folder: RunFolder): (event: RunEvent) => void {
  const labels = new Map(steps.map((step) => [step.id, labelOfStep(step)]));
  const progress = showProgress(process.stderr);
  let begun = 0;
  const place = () => `[${begun}/${steps.length}]`;
  remark(`Running on ${device.name}: ${device.description}`);
  return (event) => {
    folder.receive(event);
    const label = 'node' in event ? labels.get(event.node) : undefined;
    if (event.type === 'node-started') {
      begun++;
      progress.start(`${place()} ${label}`);
    } else if (event.type === 'node-progress') progress.update(event.fraction, event.text);
    else if (event.type === 'node-finished') progress.end(`${place()} ${label}  ${timeInWords(event.ms)}`);
    else if (event.type === 'node-cached') {
      begun++;
      progress.end(`${place()} ${label}  cached`);
    } else if (event.type === 'trace') {
      for (const sentence of [...gainsInWords(event.trace), ...event.trace.remarks]) remark(`  ${label}: ${sentence}`);
    } else if (event.type === 'remark') progress.end(`  ${label}: ${event.text}`);
    else if (event.type === 'problem') progress.end(`${event.problem.code}  ${problemInWords(event.problem)}`);
    else if (event.type === 'run-finished') {
      progress.stop();
      if (event.freed > 0)
        remark(
          `Freed ${bytesInWords(event.freed)} of results and models on the way, to stay within the memory kept for them.`,
        );
    }
  };
}
