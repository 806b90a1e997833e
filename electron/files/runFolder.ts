import { createHash, randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { GraphDocument } from '../../graphs/document/document.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import type { Overrides } from '../../graphs/edit/overrides.ts';
import type { RunEvent, RunStatus } from '../../graphs/run/events.ts';
import type { Plan } from '../../graphs/run/plan.ts';
import { UserError } from '../../nodes/errors.ts';
import { type Files, isPlainName } from '../../nodes/files.ts';
import { addPngText } from '../../nodes/ml/image/pngText.ts';
import type { ImageLabel, Scores, Trace } from '../../nodes/ports.ts';
import { printable } from '../../nodes/quote.ts';
import { explainDiskError, makeFolder, writeAtomic } from './disk.ts';
import { markProcess } from './processes.ts';

/** The keyword under which a PNG holds the graph that made it. */
export const GRAPH_KEYWORD = 'noiseloom-graph';

/** How a run ended, or that it has not: a record that still says `running` is of a process that was killed. */
export type RunState = 'running' | 'done' | 'failed' | 'interrupted';

/** What `run.json` holds: enough to repeat the run and to compare it with others. */
export interface RunRecord {
  readonly format: 'noiseloom-run';
  readonly version: 1;
  state: RunState;
  /** The process that wrote it: where it is gone, a run that says `running` was interrupted. */
  readonly pid: number;
  readonly processStart?: string;
  /** ISO 8601, and how long it took. */
  readonly started: string;
  ms?: number;
  /**
   * The graph as it ran, with its overrides applied; `hash` is the sha256 of its text, `location` what the user wrote, `folder` what
   * relative paths in it start from (absent from records of the first versions).
   */
  readonly graph: {
    readonly location: string;
    readonly folder?: string;
    readonly hash: string;
    readonly document: GraphDocument;
  };
  /** What was set for this run only. Called `settings` by version 0.1. */
  readonly overrides: Overrides;
  /** The nodes that were asked for, where not all. */
  readonly targets?: readonly string[];
  /** Every seed param of the nodes that ran, as `node.param`. */
  readonly seeds: Readonly<Record<string, number>>;
  readonly device: { readonly name: string; readonly description: string };
  readonly versions: Readonly<Record<string, string>>;
  /** Models and other files that nodes read. */
  readonly files: {
    readonly node: string;
    readonly location: string;
    readonly path: string;
    readonly sha256: string;
  }[];
  readonly nodes: Record<string, { state: RunState | 'cached'; ms?: number }>;
  readonly scores: ({ readonly node: string; readonly output: string } & Scores)[];
  /** How optimisers got to their results. */
  readonly traces: ({ readonly node: string; readonly output: string } & Trace)[];
  readonly outputs: OutputRecord[];
  /** Small copies of images that nodes showed, absent from records of the first versions; `count` images were at that output. */
  readonly copies?: CopyRecord[];
  /** Names of outputs and copies that the user deleted since. */
  readonly removed?: readonly string[];
  readonly remarks: { readonly node: string; readonly text: string }[];
  readonly problems: Problem[];
}
interface OutputRecord {
  readonly node: string;
  /** Path inside the run folder. */
  readonly name: string;
  readonly mime: string;
  readonly size: number;
  readonly sha256: string;
  readonly label?: ImageLabel;
}

interface CopyRecord extends Pick<OutputRecord, 'node' | 'name' | 'mime' | 'label'> {
  readonly output: string;
  readonly count: number;
}

/** Bytes of small copies in one run folder, at most. */
const MOST_COPY_BYTES = 2 ** 26;

/** What is known of a run before it starts. */
export interface RunStart {
  readonly location: string;
  /** What relative paths in the graph start from; absolute. */
  readonly folder: string;
  readonly document: GraphDocument;
  readonly plan: Plan;
  readonly overrides: Overrides;
  readonly targets?: readonly string[];
  readonly device: { readonly name: string; readonly description: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly files: Files;
}

/** The folder of one run, which takes in its events. */
export interface RunFolder {
  readonly path: string;
  /** What is known of the run so far. */
  readonly record: RunRecord;
  /** Records an event; files are written in the background. Returns the path in the folder of an event's file. */
  receive(event: RunEvent): string | undefined;
  /** Waits for all writing, then writes the final record. Throws UserError `WRITE_FAILED` for the first that failed. */
  finish(status: RunStatus): Promise<void>;
}

/**
 * Makes `<parent>/<date>-<title>-<id>` with a `run.json` that says `running`. Every file is written whole or not at all.
 * `onFailure` is called once when something cannot be written, so that the run can be stopped.
 */
export async function createRunFolder(parent: string, start: RunStart, onFailure: () => void): Promise<RunFolder> {
  const began = new Date();
  const path = join(parent, folderName(began, start.document.title));
  const graphText = writeGraph(start.document);
  const record = startRecord(start, graphText, began);
  const texts = { Software: `Noiseloom ${start.versions.noiseloom}`, [GRAPH_KEYWORD]: graphText };
  const used = new Set(['run.json']);
  const copied = new Set<string>();
  let roomForCopies = MOST_COPY_BYTES;
  let failure: UserError | undefined;
  let queue: Promise<void> = Promise.resolve();
  let reading: Promise<void> | undefined;
  const write = async (name: string, bytes: Uint8Array | string) => {
    await makeFolder(dirname(join(path, name)));
    await writeAtomic(join(path, name), bytes);
  };
  /** Writes a result in the background; what is not there is not in the record either. */
  const writeResult = (name: string, bytes: Uint8Array) =>
    later(() =>
      write(name, bytes).catch((cause: unknown) => {
        removeNamed(record.outputs, name);
        removeNamed(record.copies!, name);
        throw cause;
      }),
    );
  const writeRecord = () => write('run.json', printable(`${JSON.stringify(record, null, 2)}\n`));
  const later = (work: () => Promise<void>) => {
    queue = queue.then(work).catch((cause: unknown) => {
      if (failure) return;
      failure = writeFailed(path, cause);
      onFailure();
    });
  };
  /** One image that several nodes show is one file. Gives its name, or undefined where there is no more room. */
  const keepCopy = ({ node, output, count, name, mime, bytes, label }: Extract<RunEvent, { type: 'copy' }>) => {
    if (!isPlainName(name)) throw new Error(`the copy "${name}" would lie outside of the run folder`);
    if (!copied.has(name)) {
      if (bytes.length > roomForCopies) return undefined;
      roomForCopies -= bytes.length;
      copied.add(name);
      used.add(name.toLowerCase());
      writeResult(name, bytes);
    }
    record.copies!.push({ node, output, count, name, mime, ...(label ? { label } : {}) });
    return name;
  };
  try {
    await writeRecord();
  } catch (cause) {
    throw writeFailed(path, cause);
  }
  return {
    path,
    record,
    receive(event) {
      noteEvent(record, event);
      if (event.type === 'node-started') reading ??= readFingerprints(start, record.files);
      if (event.type === 'copy') return keepCopy(event);
      if (event.type !== 'image' && event.type !== 'file') return undefined;
      if (!isPlainName(event.name)) {
        later(() => Promise.reject(new Error(`the file "${event.name}" would lie outside of it`)));
        return undefined;
      }
      const name = unusedName(event.name, used);
      const bytes = event.mime === 'image/png' ? addPngText(event.bytes, texts) : event.bytes;
      const { node, mime, label } = event;
      record.outputs.push({ node, name, mime, size: bytes.length, sha256: sha256(bytes), ...(label ? { label } : {}) });
      writeResult(name, bytes);
      return name;
    },
    async finish(status) {
      if (status !== 'cancelled') await reading;
      await queue;
      if (failure) record.problems.push(failure.toJSON());
      record.state = failure ? 'failed' : toRunState(status);
      for (const node of Object.values(record.nodes)) if (node.state === 'running') node.state = record.state;
      record.ms = Date.now() - began.getTime();
      later(writeRecord);
      await queue;
      if (failure) throw failure;
    },
  };
}

function removeNamed(list: { readonly name: string }[], name: string): void {
  for (let i = list.length - 1; i >= 0; i--) if (list[i]!.name === name) list.splice(i, 1);
}

function startRecord(start: RunStart, text: string, began: Date): RunRecord {
  const { location, folder, overrides, targets, device, versions, plan } = start;
  const seeds = plan.steps.flatMap(({ id, definition, params }) =>
    Object.entries(definition.params)
      .filter(([, param]) => param.kind === 'seed')
      .map(([name]) => [`${id}.${name}`, params[name] as number]),
  );
  return {
    format: 'noiseloom-run',
    version: 1,
    state: 'running',
    ...markProcess(),
    started: began.toISOString(),
    graph: { location, folder, hash: sha256(text), document: JSON.parse(text) as GraphDocument },
    overrides,
    ...(targets ? { targets } : {}),
    seeds: Object.fromEntries(seeds),
    device: { name: device.name, description: device.description },
    versions,
    files: [],
    nodes: {},
    scores: [],
    traces: [],
    outputs: [],
    copies: [],
    remarks: [],
    problems: [],
  };
}

function noteEvent(record: RunRecord, event: RunEvent): void {
  if (event.type === 'node-started') record.nodes[event.node] = { state: 'running' };
  else if (event.type === 'node-finished') record.nodes[event.node] = { state: 'done', ms: Math.round(event.ms) };
  else if (event.type === 'node-cached') record.nodes[event.node] = { state: 'cached' };
  else if (event.type === 'scores') record.scores.push({ node: event.node, output: event.output, ...event.scores });
  else if (event.type === 'trace') record.traces.push({ node: event.node, output: event.output, ...event.trace });
  else if (event.type === 'remark') record.remarks.push({ node: event.node, text: event.text });
  else if (event.type === 'problem') record.problems.push(event.problem);
}

/** Content hashes of what the nodes read; `files` remembers those that the cache keys needed already. */
async function readFingerprints({ plan, files }: RunStart, found: RunRecord['files'][number][]): Promise<void> {
  for (const { id, definition, params } of plan.steps) {
    for (const location of definition.files?.(params) ?? []) {
      try {
        const path = await files.locate(location);
        found.push({ node: id, location, path, sha256: await files.fingerprint(path) });
      } catch {
        // The node itself reports what is wrong with the file.
      }
    }
  }
}

/** `2026-01-31-094500-title-of-graph-3fa9c1` in local time. */
function folderName(began: Date, title: string): string {
  const local = new Date(began.getTime() - began.getTimezoneOffset() * 60_000).toISOString();
  const [date, time] = [local.slice(0, 10), local.slice(11, 19).replaceAll(':', '')];
  const words = title
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-');
  const slug =
    [...words]
      .slice(0, 40)
      .join('')
      .replace(/^-+|-+$/g, '') || 'untitled';
  return `${date}-${time}-${slug}-${randomBytes(3).toString('hex')}`;
}

/** Nodes name their files without knowing of each other: the second `a.png` becomes `a-2.png`. */
function unusedName(name: string, used: Set<string>): string {
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > name.lastIndexOf('/') + 1 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  let unused = name;
  for (let n = 2; used.has(unused.toLowerCase()); n++) unused = `${stem}-${n}${ending}`;
  used.add(unused.toLowerCase());
  return unused;
}

function toRunState(status: RunStatus): RunState {
  return status === 'done' ? 'done' : status === 'cancelled' ? 'interrupted' : 'failed';
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

function writeFailed(path: string, cause: unknown): UserError {
  return new UserError(
    'WRITE_FAILED',
    `The run folder "${path}" cannot be written: ${explainDiskError(cause)}. Free space, or choose another folder with --out.`,
    { cause },
  );
}
