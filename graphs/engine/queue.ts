import { UserError } from '../../nodes/errors.ts';
import type { RunEvent, RunFinished } from '../run/events.ts';
import type { Engine } from './engine.ts';

/** A run that is not over yet. */
export interface QueuedRun {
  readonly run: string;
  /** Title of the graph. */
  readonly title: string;
  readonly state: 'waiting' | 'running' | 'paused';
}

/**
 * An engine whose runs wait for each other, and outlive whoever asked for them: a window that was closed, a browser that
 * lost its connection. `run` rejects with UserError `RUN_EXISTS` where a run of that name is not over.
 */
export interface QueuedEngine extends Engine {
  /** The runs that are not over, in the order in which they run. */
  listRuns(): Promise<readonly QueuedRun[]>;
  /**
   * Tells the events of a run that somebody started, from its first on; of the previews that are past only the last of each
   * node. Rejects with UserError `NO_RUN` where no such run waits or runs.
   */
  followRun(run: string, emit: (event: RunEvent) => void): Promise<RunFinished>;
  /** Cancels a run, waiting or running, and no other; false where there is none of that name. */
  cancelRun(run: string): Promise<boolean>;
  /** Holds a run before its next step, of a loop as well; false where none of that name runs. What it has in memory stays. */
  pauseRun(run: string): Promise<boolean>;
  /** Lets a paused run go on; false where none of that name is paused. */
  resumeRun(run: string): Promise<boolean>;
}

type Emit = (event: RunEvent) => void;

interface LiveRun {
  readonly title: string;
  readonly controller: AbortController;
  readonly listeners: Set<Emit>;
  /** What it told so far. */
  events: RunEvent[];
  state: QueuedRun['state'];
  /** How many were before it when it was last told. */
  ahead: number;
  /** While it is paused: what its steps wait for, and what ends that. */
  held?: { readonly until: Promise<void>; readonly release: () => void };
  finished: Promise<RunFinished>;
}

type StartingRun = Omit<LiveRun, 'finished'>;

/** Makes runs of an engine wait for each other, first come, first served. */
export function queueRuns(engine: Engine & Partial<Pick<QueuedEngine, 'pauseRun' | 'resumeRun'>>): QueuedEngine {
  const live = new Map<string, LiveRun>();
  let named = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** Tells every run that waits how many are before it. */
  const tellPlaces = () => {
    let ahead = 0;
    for (const [run, entry] of live) {
      if (entry.state === 'waiting' && ahead > 0 && ahead !== entry.ahead) {
        entry.ahead = ahead;
        tell(entry, { type: 'run-waiting', run, ahead });
      }
      ahead++;
    }
  };

  return {
    ...engine,
    async run(document, options, emit, signal) {
      const run = options.run ?? nextName();
      if (live.has(run))
        throw new UserError('RUN_EXISTS', `A run named "${run}" is not over yet; choose another name.`);
      const controller = new AbortController();
      const entry: StartingRun = {
        title: document.title,
        controller,
        listeners: new Set([emit]),
        events: [],
        state: 'waiting',
        ahead: 0,
      };
      const abort = () => controller.abort(signal?.reason);
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      const before = last;
      const inTurn = async (): Promise<RunFinished> => {
        try {
          await Promise.race([before, aborted(controller.signal)]);
          if (controller.signal.aborted) {
            const finished: RunFinished = {
              type: 'run-finished',
              run,
              status: 'cancelled',
              ms: 0,
              ran: 0,
              cached: 0,
              freed: 0,
            };
            tell(entry, finished);
            return finished;
          }
          entry.state = 'running';
          const hold = () => entry.held?.until;
          return await engine.run(
            document,
            { ...options, run, hold },
            (event) => tell(entry, event),
            controller.signal,
          );
        } finally {
          live.delete(run);
          signal?.removeEventListener('abort', abort);
          tellPlaces();
        }
      };
      const waits = live.size > 0;
      const finished = inTurn();
      live.set(run, Object.assign(entry, { finished }));
      last = Promise.allSettled([before, finished]);
      if (waits) tellPlaces();
      return finished;
    },
    listRuns: async () => [...live].map(([run, { title, state }]) => ({ run, title, state })),
    async followRun(run, emit) {
      const entry = live.get(run);
      if (!entry) throw new UserError('NO_RUN', `There is no run "${run}" that waits or runs.`);
      for (const event of entry.events) emit(event);
      entry.listeners.add(emit);
      return entry.finished;
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
      if (engine.pauseRun) return engine.pauseRun(run); // it runs in another process, which tells of it
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      entry.held = { until: Promise.race([released, aborted(entry.controller.signal)]), release };
      tell(entry, { type: 'run-paused', run });
      return true;
    },
    async resumeRun(run) {
      const entry = live.get(run);
      if (entry?.state !== 'paused') return false;
      entry.state = 'running';
      if (engine.resumeRun) return engine.resumeRun(run);
      entry.held?.release();
      delete entry.held;
      tell(entry, { type: 'run-resumed', run });
      return true;
    },
  };

  function nextName(): string {
    do named++;
    while (live.has(`run-${named}`));
    return `run-${named}`;
  }
}

/** Keeps an event for those who come later, and tells it to those who are there. */
function tell(entry: StartingRun, event: RunEvent): void {
  if (event.type === 'preview')
    entry.events = entry.events.filter((old) => old.type !== 'preview' || old.node !== event.node);
  entry.events.push(event);
  for (const emit of entry.listeners) emit(event);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
