import { UserError } from '../../nodes/errors.ts';
import type { RunEvent, RunFinished } from '../run/events.ts';
import type { Engine } from './engine.ts';

/** A run that waits or runs. */
interface QueuedRun {
  readonly run: string;
  /** Title of the graph. */
  readonly title: string;
  readonly state: 'waiting' | 'running' | 'paused';
}

/**
 * An engine whose runs wait for each other, and outlive whoever asked for them: a window that was closed, a browser that
 * lost its connection. `run` rejects with UserError `RUN_EXISTS` while another run has that name.
 */
export interface QueuedEngine extends Engine {
  /** The runs that wait or run, in the order in which they run. */
  listRuns(): Promise<readonly QueuedRun[]>;
  /**
   * Emits the events of a run that somebody started, from its first on; of earlier previews only the last of each node.
   * Rejects with UserError `NO_RUN` where no such run waits or runs.
   */
  followRun(run: string, emit: (event: RunEvent) => void): Promise<RunFinished>;
  /** Cancels a run, waiting or running; false where there is none of that name. */
  cancelRun(run: string): Promise<boolean>;
  /** Pauses a run before its next step, inside loops as well, and keeps its memory; false where none of that name runs. */
  pauseRun(run: string): Promise<boolean>;
  /** Resumes a paused run; false where none of that name is paused. */
  resumeRun(run: string): Promise<boolean>;
  /** Moves a waiting run before another waiting one, or behind all; false where one of them does not wait. */
  moveRun(run: string, before?: string): Promise<boolean>;
}

type Emit = (event: RunEvent) => void;

interface LiveRun {
  readonly title: string;
  readonly controller: AbortController;
  readonly listeners: Set<Emit>;
  /** What it has emitted so far. */
  events: RunEvent[];
  state: QueuedRun['state'];
  /** How many runs came first when it last emitted `run-waiting`. */
  ahead: number;
  /** While it is paused: what its steps wait for, and what ends that. */
  paused?: { readonly until: Promise<void>; readonly release: () => void };
  /** Runs it in the engine, once its turn has come. */
  start(): Promise<RunFinished>;
  /** Settles `finished`. */
  readonly settle: Deferred<RunFinished>;
}

/**
 * Makes runs of an engine wait for each other, first come, first served. One long function because its methods share the
 * runs that are live.
 */
export function queueRuns(engine: Engine & Partial<Pick<QueuedEngine, 'pauseRun' | 'resumeRun'>>): QueuedEngine {
  const live = new Map<string, LiveRun>();
  let named = 0;

  const nextName = () => {
    do named++;
    while (live.has(`run-${named}`));
    return `run-${named}`;
  };
  const end = (run: string) => {
    live.delete(run);
    advance();
    publishPlaces(live);
  };
  /** Starts the first run that waits, if none goes on. */
  const advance = () => {
    const [first] = live;
    if (!first || [...live.values()].some(({ state }) => state !== 'waiting')) return;
    const [run, entry] = first;
    entry.state = 'running';
    entry
      .start()
      .then(entry.settle.resolve, entry.settle.reject)
      .finally(() => end(run));
  };

  return {
    ...engine,
    async run(document, options, emit, signal) {
      const run = options.run ?? nextName();
      if (live.has(run))
        throw new UserError('RUN_EXISTS', `A run named "${run}" is not over yet; choose another name.`);
      const entry: LiveRun = {
        title: document.title,
        controller: new AbortController(),
        listeners: new Set([emit]),
        events: [],
        state: 'waiting',
        ahead: 0,
        settle: defer(),
        start: () =>
          engine.run(
            document,
            { ...options, run, whilePaused: () => entry.paused?.until },
            (event) => publish(entry, event),
            entry.controller.signal,
          ),
      };
      const abort = () => entry.controller.abort(signal?.reason);
      entry.controller.signal.addEventListener('abort', () => {
        if (live.get(run) !== entry || entry.state !== 'waiting') return;
        const finished = neverStarted(run);
        publish(entry, finished);
        entry.settle.resolve(finished);
        end(run);
      });
      live.set(run, entry);
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      advance();
      publishPlaces(live);
      return entry.settle.promise.finally(() => signal?.removeEventListener('abort', abort));
    },
    listRuns: async () => [...live].map(([run, { title, state }]) => ({ run, title, state })),
    async followRun(run, emit) {
      const entry = live.get(run);
      if (!entry) throw new UserError('NO_RUN', `There is no run "${run}" that waits or runs.`);
      for (const event of entry.events) emit(event);
      entry.listeners.add(emit);
      return entry.settle.promise;
    },
    async cancelRun(run) {
      const entry = live.get(run);
      entry?.controller.abort();
      return entry !== undefined;
    },
    async pauseRun(run) {
      const entry = live.get(run);
      if (entry?.state !== 'running') return false;
      entry.state = 'paused';
      if (engine.pauseRun) return engine.pauseRun(run); // it runs in another process, which emits the event
      const { promise, resolve } = defer<void>();
      entry.paused = { until: Promise.race([promise, aborted(entry.controller.signal)]), release: resolve };
      publish(entry, { type: 'run-paused', run });
      return true;
    },
    async resumeRun(run) {
      const entry = live.get(run);
      if (entry?.state !== 'paused') return false;
      entry.state = 'running';
      if (engine.resumeRun) return engine.resumeRun(run);
      entry.paused?.release();
      delete entry.paused;
      publish(entry, { type: 'run-resumed', run });
      return true;
    },
    async moveRun(run, before) {
      const entry = live.get(run);
      if (entry?.state !== 'waiting' || run === before) return false;
      if (before !== undefined && live.get(before)?.state !== 'waiting') return false;
      const others = [...live].filter(([name]) => name !== run);
      const place = before === undefined ? others.length : others.findIndex(([name]) => name === before);
      live.clear();
      for (const [name, other] of [...others.slice(0, place), [run, entry] as const, ...others.slice(place)])
        live.set(name, other);
      publishPlaces(live);
      return true;
    },
  };
}

/** The end of a run that was cancelled while it waited. */
function neverStarted(run: string): RunFinished {
  return { type: 'run-finished', run, status: 'cancelled', ms: 0, ran: 0, cached: 0, freed: 0 };
}

/** Keeps an event for those who follow later, and emits it to those who follow now. */
function publish(entry: Pick<LiveRun, 'events' | 'listeners'>, event: RunEvent): void {
  if (event.type === 'preview')
    entry.events = entry.events.filter((old) => old.type !== 'preview' || old.node !== event.node);
  entry.events.push(event);
  for (const emit of entry.listeners) emit(event);
}

/** Emits to every waiting run how many come first, where that has changed. */
function publishPlaces(live: ReadonlyMap<string, LiveRun>): void {
  let ahead = 0;
  for (const [run, entry] of live) {
    if (entry.state === 'waiting' && ahead > 0 && ahead !== entry.ahead) {
      entry.ahead = ahead;
      publish(entry, { type: 'run-waiting', run, ahead });
    }
    ahead++;
  }
}

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

function defer<Value>(): Deferred<Value> {
  let [resolve, reject]: [(value: Value) => void, (error: unknown) => void] = [() => {}, () => {}];
  const promise = new Promise<Value>((done, failed) => {
    [resolve, reject] = [done, failed];
  });
  return { promise, resolve, reject };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
