import { readdir, readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { isPlainName } from '../../nodes/files.ts';
import { readJsonFile, readStats } from './disk.ts';
import { isRunning } from './processes.ts';
import type { RunRecord } from './runFolder.ts';

/** A run as lists show it. */
export interface RunSummary
  extends Pick<RunRecord, 'state' | 'started' | 'ms' | 'device' | 'outputs' | 'scores' | 'problems'> {
  readonly folder: string;
  readonly title: string;
  readonly copies: NonNullable<RunRecord['copies']>;
  /** Models and other files that its nodes read, as the graph names them. */
  readonly models: readonly string[];
  /** Names of scores that optimisers only watched. */
  readonly watched: readonly string[];
  /** What nodes said of rewards that were exploited. */
  readonly warnings: readonly { readonly node: string; readonly text: string }[];
}

/** How many of the newest are listed. */
const MAX_RUNS = 500;

/** Bytes of a run.json: of more images than a run can have. */
const MAX_RECORD_BYTES = 2 ** 26;

/** The recorded runs, newest first; folders without a readable record are skipped. */
export async function listRunFolders(runsFolder: string): Promise<RunSummary[]> {
  const entries = await readdir(runsFolder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && /^\d{4}-/.test(entry.name)).map(({ name }) => name);
  const newest = names.sort().reverse().slice(0, MAX_RUNS);
  const found = await Promise.all(newest.map((name) => readRecord(runsFolder, name).catch(() => undefined)));
  return found
    .flatMap((record, i): RunSummary[] => {
      if (!record) return [];
      const { state, started, ms, device, scores, problems, graph, traces = [], removed = [] } = record;
      const isKept = ({ name }: { readonly name: string }) => !removed.includes(name);
      const [outputs, copies] = [record.outputs.filter(isKept), (record.copies ?? []).filter(isKept)];
      const models = [...new Set(record.files.map(({ location }) => location))];
      const warnings = traces.flatMap(({ node, hacks, remarks }) =>
        hacks ? remarks.map((text) => ({ node, text })) : [],
      );
      const columns = traces.flatMap((trace) => trace.columns);
      const watched = [...new Set(columns.flatMap(({ name, role }) => (role === 'watched' ? [name] : [])))];
      const folder = newest[i]!;
      const title = graph.document.title;
      const summary = {
        folder,
        title,
        state,
        started,
        device,
        outputs,
        copies,
        models,
        scores,
        watched,
        problems,
        warnings,
      };
      return [ms === undefined ? summary : { ...summary, ms }];
    })
    .sort((a, b) => (a.started < b.started ? 1 : -1));
}

/** Records that were read, by their paths: a gallery asks for every image of a run, and its record says which there are. */
const known = new Map<string, { readonly stamp: string; readonly record: RunRecord }>();
/** How many are remembered, and of how many bytes each at most. */
const MOST_KNOWN = 50;
const LARGEST_KNOWN = 2 ** 22;

async function readKnown(path: string): Promise<RunRecord> {
  const stats = await readStats(path);
  const stamp = `${stats?.mtimeMs} ${stats?.size} ${stats?.ino}`;
  const found = known.get(path);
  if (found?.stamp === stamp) return found.record;
  const record = (await readJsonFile(path, MAX_RECORD_BYTES)) as RunRecord;
  const wrong = mistakeIn(record);
  if (wrong) throw new Error(`its run.json ${wrong}`);
  known.delete(path);
  if ((stats?.size ?? 0) <= LARGEST_KNOWN) known.set(path, { stamp, record });
  for (const oldest of known.keys()) if (known.size > MOST_KNOWN) known.delete(oldest);
  return record;
}

/** The record of a run. Throws UserError `NO_RUN`. */
export async function readRecord(runsFolder: string, folder: string): Promise<RunRecord> {
  try {
    const record = await readKnown(join(await runPath(runsFolder, folder), 'run.json'));
    return isOrphan(record) ? { ...record, state: 'interrupted' } : record;
  } catch (cause) {
    if (cause instanceof UserError && cause.code === 'NO_RUN') throw cause;
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
    throw new UserError('NO_RUN', `"${folder}" is no folder of a run that can be read: ${reason}.`, { cause });
  }
}

/** What a run.json, which may be a stranger's, is not: undefined where all that is read of it is of the right kind. */
function mistakeIn(record: Partial<RunRecord> | null): string | undefined {
  if (record?.format !== 'noiseloom-run') return 'is none of Noiseloom';
  const { graph, device, started, state } = record;
  const texts = [graph?.document?.title, graph?.folder ?? '', device?.name, device?.description, started, state];
  if (!texts.every((text) => typeof text === 'string')) return 'lacks its graph, device, time or state';
  const lists = {
    outputs: ['name', 'mime'],
    files: ['node', 'location', 'sha256'],
    scores: ['node'],
    problems: ['code', 'message'],
    copies: ['node', 'output', 'name', 'mime'],
    traces: ['node'],
  };
  const laterLists = ['copies', 'traces'];
  for (const [name, fields] of Object.entries(lists)) {
    const list: unknown = record[name as keyof typeof lists] ?? (laterLists.includes(name) ? [] : undefined);
    const isRight = (item: Readonly<Record<string, unknown>> | null) =>
      fields.every((field) => typeof item?.[field] === 'string');
    if (!Array.isArray(list) || !list.every(isRight)) return `has no right "${name}"`;
  }
  const { targets = [], outputs = [], scores = [], copies = [], traces = [] } = record;
  const { removed = [] } = record;
  if (!Array.isArray(removed) || !removed.every((name) => typeof name === 'string')) return 'has no right "removed"';
  if (!Array.isArray(targets) || !targets.every((target) => typeof target === 'string'))
    return 'has no right "targets"';
  const outside = [...outputs, ...copies].find(({ name }) => !isPlainName(name));
  if (outside) return `names a file "${outside.name}", which would lie outside of the folder`;
  const isSaid = ({ remarks, columns }: (typeof traces)[number]) =>
    Array.isArray(remarks) && Array.isArray(columns) && columns.every((column) => typeof column?.name === 'string');
  if (!traces.every(isSaid)) return 'has no right "traces"';
  const isTable = ({ names, values }: (typeof scores)[number]) => Array.isArray(names) && Array.isArray(values);
  return scores.every(isTable) ? undefined : 'has no right "scores"';
}

/** A file that a run wrote. Throws UserError `NOT_FOUND`, and `NO_RUN`. */
export async function readRunFile(runsFolder: string, folder: string, name: string): Promise<Uint8Array> {
  const record = await readRecord(runsFolder, folder);
  const path = await runPath(runsFolder, folder);
  if (isPlainName(name) && [...record.outputs, ...(record.copies ?? [])].some((file) => file.name === name)) {
    const file = await realpath(join(path, name)).catch(() => undefined);
    if (file?.startsWith(path + sep)) return new Uint8Array(await readFile(file));
  }
  throw new UserError('NOT_FOUND', `The run "${folder}" has no file "${name}".`);
}

/** The path of a run folder, links followed. Throws UserError `NO_RUN` where it would not lie in `runsFolder`. */
export async function runPath(runsFolder: string, folder: string): Promise<string> {
  if (isPlainName(folder) && !folder.includes('/')) {
    const [path, parent] = await Promise.all([realpath(join(runsFolder, folder)), realpath(runsFolder)]).catch(
      () => [],
    );
    if (path !== undefined && path === join(parent as string, folder)) return path;
  }
  throw new UserError('NO_RUN', `There is no run "${folder.slice(0, 200)}" in "${runsFolder}".`);
}

/** Whether a run says that it goes on, but its process is gone. */
function isOrphan(record: RunRecord): boolean {
  return record.state === 'running' && !isRunning(record, Date.parse(record.started));
}
