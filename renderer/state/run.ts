import { createStore, type StoreApi } from 'zustand/vanilla';
import type { GraphDocument } from '../../graphs/document/document.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import type { RunEvent, RunStatus } from '../../graphs/run/events.ts';
import type { ImageLabel, Preview, Scores, Trace } from '../../nodes/ports.ts';
import { messages } from './messages.ts';

export type NodeRunState = 'waiting' | 'running' | 'cached' | 'done' | 'failed' | 'stopped';

/** A file that a node of a run gave. */
export interface RunFile {
  readonly node: string;
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
  readonly label?: ImageLabel;
}

/** A small copy of one of the `count` images that a node gave at an output. */
export interface ImageCopy extends RunFile {
  readonly output: string;
  readonly count: number;
}

/** Whether a file of a run is an image. */
export function isImage({ mime }: { readonly mime: string }): boolean {
  return mime.startsWith('image/');
}

/** Points of curves while a node runs: one list of [fraction done, value] for each name. */
export type Curves = Readonly<Record<string, readonly (readonly [fraction: number, value: number])[]>>;

/** What a run did at one node so far. Times in milliseconds of the clock that `foldRun` is given. */
export interface NodeRun {
  readonly state: NodeRunState;
  /** In [0, 1], while it runs. */
  readonly fraction?: number;
  readonly text?: string;
  readonly started?: number;
  readonly ms?: number;
  readonly preview?: Preview;
  readonly curves?: Curves;
  /** Whole sentences: what should be looked at. */
  readonly remarks?: readonly string[];
  readonly scores?: readonly Scores[];
  readonly files?: readonly RunFile[];
  readonly copies?: readonly ImageCopy[];
  /** Whether rewards were exploited; a remark says where. */
  readonly hacks?: boolean;
  readonly problem?: Problem;
}

/** A run, folded from its events. */
export interface Run {
  readonly id: string;
  readonly title: string;
  /** What ran; unknown for runs that another window started. */
  readonly document?: GraphDocument;
  /** The draft of the graph that it is of, for runs of this window. */
  readonly draft?: string;
  readonly state: 'waiting' | 'running' | 'paused' | RunStatus;
  /** When it was asked for, in milliseconds since 1970; unknown for runs that another window started. */
  readonly asked?: number;
  /** Whether it was asked to stop and has not ended yet. */
  readonly stopping?: boolean;
  /** Whether its engine went away while it waited: the next one has it in its queue. */
  readonly lost?: boolean;
  /** How many runs come first, while it waits. */
  readonly ahead: number;
  readonly started?: number;
  /** When it was paused, while it is. */
  readonly paused?: number;
  readonly ms?: number;
  /** Bytes of results that were evicted from the cache, known when the run is over. */
  readonly freed?: number;
  readonly folder?: string;
  readonly device?: { readonly name: string; readonly description: string };
  readonly nodes: Readonly<Record<string, NodeRun>>;
  readonly order: readonly string[];
  readonly problems: readonly Problem[];
}

export function waitingRun(id: string, title: string, document?: GraphDocument): Run {
  return {
    id,
    title,
    ...(document ? { document, asked: Date.now() } : {}),
    state: 'waiting',
    ahead: 0,
    nodes: {},
    order: [],
    problems: [],
  };
}

/** The most points kept of a curve; beyond that every second one is dropped. */
const MOST_POINTS = 512;

/** The run after one of its events. `now` is any clock in milliseconds, always the same one. */
export function foldRun(run: Run, event: RunEvent, now: number): Run {
  switch (event.type) {
    case 'run-waiting':
      return { ...run, state: 'waiting', ahead: event.ahead };
    case 'run-started': {
      const nodes = Object.fromEntries(event.nodes.map((id): [string, NodeRun] => [id, { state: 'waiting' }]));
      const { device, folder } = event;
      return {
        ...run,
        state: 'running',
        ahead: 0,
        started: now,
        device,
        ...(folder ? { folder } : {}),
        nodes,
        order: event.nodes,
      };
    }
    case 'run-paused':
      return { ...run, state: 'paused', paused: now };
    case 'run-resumed': {
      const { paused = now, ...rest } = run;
      return { ...rest, state: 'running', nodes: delayStarts(run.nodes, now - paused) };
    }
    case 'node-started':
      return changeNode(run, event.node, () => ({ state: 'running', fraction: 0, started: now }));
    case 'node-progress':
      return changeNode(run, event.node, (node) => ({
        ...node,
        fraction: event.fraction,
        ...(event.text === undefined ? {} : { text: event.text }),
        ...addFigures(node, event.fraction, event.figures),
      }));
    case 'node-cached':
      return changeNode(run, event.node, () => ({ state: 'cached' }));
    case 'node-finished':
      return changeNode(run, event.node, ({ fraction: _, preview: __, ...node }) => ({
        ...node,
        state: 'done',
        ms: event.ms,
      }));
    case 'preview':
      return changeNode(run, event.node, (node) => ({ ...node, preview: event.preview }));
    case 'image':
    case 'file': {
      const { node: id, name, mime, bytes, label } = event;
      const file: RunFile = { node: id, name, mime, bytes, ...(label ? { label } : {}) };
      return changeNode(run, id, (node) => ({ ...node, files: [...(node.files ?? []), file] }));
    }
    case 'copy': {
      const { type: _, run: __, path: ___, ...copy } = event;
      return changeNode(run, event.node, (node) => ({ ...node, copies: [...(node.copies ?? []), copy] }));
    }
    case 'remark':
      return changeNode(run, event.node, (node) => ({ ...node, remarks: [...(node.remarks ?? []), event.text] }));
    case 'scores':
      return changeNode(run, event.node, (node) => ({ ...node, scores: [...(node.scores ?? []), event.scores] }));
    case 'trace':
      return changeNode(run, event.node, (node) => ({
        ...node,
        curves: readCurves(event.trace),
        remarks: [...(node.remarks ?? []), ...event.trace.remarks],
        ...(event.trace.hacks ? { hacks: true } : {}),
      }));
    case 'problem': {
      const told = { ...run, problems: [...run.problems, event.problem] };
      const { node: id } = event.problem.at;
      return id === undefined
        ? told
        : changeNode(told, id, (node) => ({ ...node, state: 'failed', problem: event.problem }));
    }
    case 'run-finished': {
      const over = { ...run, state: event.status, ms: event.ms, freed: event.freed };
      // of a graph that could not run, its check tells what is wrong, and no longer once that is mended
      return event.status === 'invalid'
        ? { ...over, nodes: {}, problems: [] }
        : { ...over, nodes: stopUnfinished(run.nodes) };
    }
    default:
      return run; // an event of a newer engine
  }
}

/** The run after the engine was lost in the middle of it. */
export function breakRun(run: Run, problem: Problem): Run {
  return { ...run, state: 'failed', nodes: stopUnfinished(run.nodes), problems: [...run.problems, problem] };
}

export function isOver({ state }: Run): boolean {
  return state !== 'waiting' && state !== 'running' && state !== 'paused';
}

function changeNode(run: Run, id: string, change: (node: NodeRun) => NodeRun): Run {
  return { ...run, nodes: { ...run.nodes, [id]: change(run.nodes[id] ?? { state: 'waiting' }) } };
}

/** Shifts the start of running nodes, so that the time spent paused does not count. */
function delayStarts(nodes: Run['nodes'], ms: number): Run['nodes'] {
  const entries = Object.entries(nodes).map(([id, node]): [string, NodeRun] =>
    node.state === 'running' && node.started !== undefined ? [id, { ...node, started: node.started + ms }] : [id, node],
  );
  return Object.fromEntries(entries);
}

/** What still waited or ran when the run ended was stopped. */
function stopUnfinished(nodes: Run['nodes']): Run['nodes'] {
  const entries = Object.entries(nodes).map(([id, node]): [string, NodeRun] =>
    node.state === 'waiting' || node.state === 'running' ? [id, { ...node, state: 'stopped' }] : [id, node],
  );
  return Object.fromEntries(entries);
}

/** The curves of a finished trace: at each evaluation the mean over the images still being optimised. */
function readCurves({ columns, values }: Trace): Curves {
  const evaluations = Math.max(0, ...values.map((rows) => rows.length));
  const curve = (column: number) =>
    Array.from({ length: evaluations }, (_, i): readonly [number, number] => {
      const rows = values.flatMap((image) => image[i]?.[column] ?? []);
      return [(i + 1) / evaluations, rows.reduce((sum, value) => sum + value, 0) / rows.length];
    });
  const shown = columns.map(({ name, role }, i) => ({ name, role, i })).filter(({ role }) => role !== 'measure');
  return Object.fromEntries(
    shown.map(({ name, role, i }) => [role === 'watched' ? messages.run.watched(name) : name, curve(i)]),
  );
}

function addFigures(
  node: NodeRun,
  fraction: number,
  figures: Readonly<Record<string, number>> | undefined,
): { curves?: Curves } {
  if (!figures) return {};
  const curves: Record<string, Curves[string]> = { ...node.curves };
  for (const [name, value] of Object.entries(figures)) {
    const points = [...(curves[name] ?? []), [fraction, value] as const];
    curves[name] = points.length > MOST_POINTS ? points.filter((_, i) => i % 2 === 0) : points;
  }
  return { curves };
}

/** What was merged of the nodes of a run, by prefix. */
const merged = new WeakMap<Run['nodes'], Map<string, NodeRun | undefined>>();

/** What a run did at all nodes whose ids begin with a prefix, as if they were one; undefined where there are none. */
export function runInside(nodes: Run['nodes'], prefix: string): NodeRun | undefined {
  const known = merged.get(nodes) ?? new Map<string, NodeRun | undefined>();
  merged.set(nodes, known);
  if (!known.has(prefix)) {
    const within = Object.entries(nodes).flatMap(([id, node]) => (id.startsWith(prefix) ? [node] : []));
    known.set(prefix, within.length > 0 ? mergeRuns(within) : undefined);
  }
  return known.get(prefix);
}

function mergeRuns(nodes: readonly NodeRun[]): NodeRun {
  const is = (state: NodeRunState) => nodes.some((node) => node.state === state);
  const over = nodes.filter(({ state }) => state === 'done' || state === 'cached');
  const begun = is('running') || (over.length > 0 && is('waiting'));
  const ended = over.length < nodes.length ? 'waiting' : is('done') ? 'done' : 'cached';
  const state = is('failed') ? 'failed' : is('stopped') ? 'stopped' : begun ? 'running' : ended;
  const current = nodes.find((node) => node.state === 'running');
  const failed = nodes.find(({ problem }) => problem);
  const copies = nodes.findLast((node) => node.copies)?.copies;
  const files = nodes.flatMap((node) => node.files ?? []);
  const ms = nodes.reduce((sum, node) => sum + (node.ms ?? 0), 0);
  return {
    state,
    ...(state === 'running' ? { fraction: (over.length + (current?.fraction ?? 0)) / nodes.length } : { ms }),
    ...(current?.text === undefined ? {} : { text: current.text }),
    ...(current?.preview ? { preview: current.preview } : {}),
    ...(files.length > 0 ? { files } : {}),
    ...(copies ? { copies } : {}),
    ...(nodes.some(({ hacks }) => hacks) ? { hacks: true } : {}),
    ...(failed?.problem ? { problem: failed.problem } : {}),
  };
}

/** Estimated milliseconds until a running node is done, from its progress so far; undefined at the start. */
export function timeLeft({ started, fraction }: NodeRun, now: number): number | undefined {
  if (started === undefined || fraction === undefined || fraction < 0.02) return undefined;
  return ((now - started) * (1 - fraction)) / fraction;
}

/** What a node gave in a run. */
export interface NodeResult {
  readonly node: NodeRun;
  /** Where the files of the run lie. */
  readonly folder?: string;
  /** The graph that gave it, or that found it still to hold; unknown for runs of another window. */
  readonly document?: GraphDocument;
}

export interface RunState {
  /** Runs of this session, in the order they were asked for. */
  readonly runs: readonly Run[];
  /** The run whose states the canvas shows. */
  readonly shown: string | undefined;
  /** What nodes of the graph on the canvas gave last, in whichever run, by their ids in the whole graph. */
  readonly results: Readonly<Record<string, NodeResult>>;
}

export type RunStore = StoreApi<RunState>;

export function createRunStore(): RunStore {
  return createStore<RunState>(() => ({ runs: [], shown: undefined, results: {} }));
}

/** The number of finished runs kept in memory; older ones remain in their folders. */
const KEPT_RUNS = 8;

/** Queues a run. It is shown at once unless a live run is; then it is shown when it starts. */
export function addRun(store: RunStore, run: Run): void {
  store.setState(({ runs, shown }) => {
    const over = runs.filter(isOver);
    const forgotten = new Set(over.slice(0, Math.max(0, over.length - KEPT_RUNS + 1)));
    const goesOn = runs.some(({ id, state }) => id === shown && (state === 'running' || state === 'paused'));
    return { runs: [...runs.filter((old) => !forgotten.has(old)), run], shown: goesOn ? shown : run.id };
  });
}

export function changeRun(store: RunStore, id: string, change: (run: Run) => Run): void {
  store.setState(({ runs }) => ({ runs: runs.map((run) => (run.id === id ? change(run) : run)) }));
}

export function shownRun({ runs, shown }: RunState): Run | undefined {
  return runs.find(({ id }) => id === shown);
}

/** What a run is doing, in words. */
export function stateInWords({ state, stopping }: Run): string {
  return stopping && !isOver({ state } as Run) ? messages.run.stopping : messages.run[state];
}

/** How much of a run is done, in [0, 1]: its nodes, and the part of the one that runs. */
export function runFraction({ nodes, order }: Pick<Run, 'nodes' | 'order'>): number {
  if (order.length === 0) return 0;
  const parts = order.map((id) => {
    const { state = 'waiting', fraction = 0 } = nodes[id] ?? {};
    return state === 'running' ? fraction : state === 'waiting' ? 0 : 1;
  });
  return parts.reduce((sum, part) => sum + part, 0) / order.length;
}
