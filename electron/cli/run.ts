import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { nodeAt } from '../../graphs/document/levels.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import type { PreparedRun, RunOptions } from '../../graphs/engine/engine.ts';
import type { RunEvent, RunStatus } from '../../graphs/run/events.ts';
import { labelStep, type Plan } from '../../graphs/run/plan.ts';
import type { Cards } from '../../nodes/card.ts';
import type { Files } from '../../nodes/files.ts';
import type { Device, DevicePreference } from '../../nodes/ml/device.ts';
import { expandHome } from '../files/paths.ts';
import type { RunFolder } from '../files/runFolder.ts';
import { collect } from './collect.ts';
import { exitCodes } from './exitCodes.ts';
import { gainsInWords } from './gains.ts';
import { parseDevice } from './parseDevice.ts';
import { parseOverrides } from './parseOverrides.ts';
import { showProgress } from './progress.ts';
import { bytesInWords, columns, print, printJson, problemInWords, remark, timeInWords } from './terminal.ts';

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
    .option(
      '-s, --set <node.param=value>',
      "set a param for this run, or a field of the graph's form by its name (repeat for more)",
      collect,
      [],
    )
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
  const [{ readGraphText }, { readGraph }, { prepareRun }, { library }, { chosenFiles }] = await Promise.all([
    import('./readGraphText.ts'),
    import('../../graphs/document/read.ts'),
    import('../../graphs/engine/engine.ts'),
    import('../../nodes/index.ts'),
    import('./chosenFiles.ts'),
  ]);
  const preference = parseDevice(flags.device);
  const { text, workingFolder } = await readGraphText(location);
  const { document, problems } = readGraph(text, library);
  const overrides = resolveOverrides(parseOverrides(flags.set, 'noise.seed=7'), document, library, workingFolder);
  const targets = flags.only;
  const options = { overrides, ...(targets ? { targets } : {}) };
  const prepared = withProblems(prepareRun(document, options, library), problems);
  if (prepared.problems.length > 0) return refuse(location, prepared.problems, flags);
  const files = chosenFiles(workingFolder, [workingFolder, ...(flags.allow ?? []), ...findPlaces(overrides)]);
  if (flags.dryRun) return dryRun(location, prepared, files, flags);

  const {
    status,
    problems: failures,
    run,
  } = await runIntoFolder(prepared, {
    ...options,
    location,
    workingFolder,
    files,
    preference,
    flags,
  });
  const exitCode = toExitCode(status);
  if (flags.json) {
    const { state = status, ms, outputs = [], problems = failures } = run?.record ?? {};
    const runFolder = run?.path;
    printJson({ type: 'result', ok: status === 'done', status: state, exitCode, runFolder, ms, outputs, problems });
  } else if (run) {
    const { outputs, ms = 0 } = run.record;
    for (const { name } of outputs.slice(0, 10)) remark(`  ${name}`);
    if (outputs.length > 10) remark(`  and ${outputs.length - 10} more`);
    remark(`${endings[status]} after ${timeInWords(ms)}. The run folder is`);
    print(run.path);
  }
  return exitCode;
}

interface RunRequest extends Pick<RunOptions, 'overrides' | 'targets'> {
  /** What the user wrote, for the record. */
  readonly location: string;
  /** What relative paths in the graph start from. */
  readonly workingFolder: string;
  readonly files: Files;
  readonly preference: DevicePreference;
  readonly flags: Pick<RunFlags, 'out' | 'json'>;
}

interface RunResult {
  readonly status: RunStatus;
  readonly device: Device;
  /** What went wrong, as the events said. */
  readonly problems: readonly Problem[];
  /** Absent where no folder could be made. */
  readonly run: Pick<RunFolder, 'path' | 'record'> | undefined;
}

/** Runs a graph without problems in this process, shows its progress, and records it in a new folder. */
export async function runIntoFolder(
  prepared: PreparedRun,
  { location, workingFolder, overrides, targets, files, preference, flags }: RunRequest,
): Promise<RunResult> {
  const [{ startDevice, startEngine, collectVersions }, { abortOnInterrupt }, { recordRuns }, { library }] =
    await Promise.all([
      import('../engine/startEngine.ts'),
      import('./interrupt.ts'),
      import('../engine/recordRuns.ts'),
      import('../../nodes/index.ts'),
    ]);
  const [device, { signal }] = await Promise.all([startDevice(preference), abortOnInterrupt()]);
  let run: RunFolder | undefined;
  const engine = recordRuns(startEngine(device, files), {
    library,
    device,
    versions: collectVersions(device),
    runsFolder: resolve(flags.out),
    folderOf: () => workingFolder,
    filesOf: () => files,
    onFolder: (folder) => {
      run = folder;
    },
  });
  const problems: Problem[] = [];
  const show = flags.json ? printJson : showEvents(prepared.plan, device);
  const options = { prepared, location, ...(overrides && { overrides }), ...(targets && { targets }) };
  const { status } = await engine.run(
    prepared.document,
    options,
    (event) => {
      if (event.type === 'problem') problems.push(event.problem);
      show(event);
    },
    signal,
  );
  return { status, device, problems, run };
}

const endings: Readonly<Record<RunStatus, string>> = {
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Interrupted',
  invalid: 'Refused',
};

export function toExitCode(status: RunStatus): number {
  const codes = {
    done: exitCodes.done,
    failed: exitCodes.failed,
    invalid: exitCodes.invalid,
    cancelled: exitCodes.interrupted,
  };
  return codes[status];
}

/** Problems found while reading (wrong shapes) count as well as those of the graph with its overrides. */
function withProblems(prepared: PreparedRun, read: readonly Problem[]): PreparedRun {
  const shape = read.filter(({ code }) => ['BAD_SHAPE', 'BAD_UPGRADE', 'REPEATED_NAME'].includes(code));
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
  const { toProblem, placeError } = await import('../../graphs/document/problems.ts');
  for (const step of plan.steps) {
    for (const place of step.definition.files?.(step.params) ?? []) {
      try {
        await files.locate(place);
      } catch (error) {
        problems.push(toProblem(placeError(error, step.id, labelStep(step))));
      }
    }
  }
  if (problems.length > 0) return refuse(location, problems, flags);
  const steps = plan.steps.map(({ id, node, params }) => ({ node: id, type: node.type, params }));
  if (flags.json) printJson({ type: 'result', ok: true, status: 'dry-run', exitCode: exitCodes.done, steps });
  else print(columns(plan.steps.map((step) => [labelStep(step), step.node.type])));
  return exitCodes.done;
}

/**
 * Makes a path absolute where it starts at the current folder, as one typed there does: the graph's own paths start at
 * its file. Draws a seed for -1, says which it is, and so does the record of the run.
 */
function resolveOverrides(
  overrides: Readonly<Record<string, string>>,
  document: GraphDocument,
  cards: Cards,
  workingFolder: string,
): Record<string, string> {
  const resolved = Object.entries(overrides).map(([key, value]) => {
    const param = document.form?.fields.find(({ name }) => name === key)?.param ?? key;
    const dot = param.lastIndexOf('.');
    const node = nodeAt(document, param.slice(0, dot).split('/'));
    const kind = cards.get(node?.type ?? '')?.params[param.slice(dot + 1)]?.kind;
    if (kind === 'seed' && value.trim() === '-1') {
      const seed = String(randomInt(2 ** 32));
      remark(`${key} is ${seed}`);
      return [key, seed];
    }
    const isPath = (kind === 'file' || kind === 'model') && workingFolder !== process.cwd() && existsSync(value);
    return [key, isPath ? resolve(value) : value];
  });
  return Object.fromEntries(resolved);
}

/** The files and folders that overrides name: the user's own choice, unlike those in the graph. */
function findPlaces(overrides: Readonly<Record<string, string>>): string[] {
  const lines = Object.values(overrides).flatMap((value) => value.split('\n'));
  return lines.map((line) => expandHome(line).replace(/(?<=.)[\\/]+$/, '')).filter((place) => existsSync(place));
}

/** Shows the events of a run to people, on stderr. */
function showEvents({ steps }: Plan, device: Device): (event: RunEvent) => void {
  const labels = new Map(steps.map((step) => [step.id, labelStep(step)]));
  const progress = showProgress(process.stderr);
  let begun = 0;
  const place = () => `[${begun}/${steps.length}]`;
  remark(`Running on ${device.name}: ${device.description}`);
  return (event) => {
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
