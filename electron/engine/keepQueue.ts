import type { GraphDocument } from '../../graphs/document/document.ts';
import type { RunOptions } from '../../graphs/engine/engine.ts';
import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import type { RunEvent } from '../../graphs/run/events.ts';
import { jsonFile } from '../files/jsonFile.ts';
import { isRunning, markProcess, type ProcessMark } from '../files/processes.ts';

/** A run that waits, with all that it needs. */
interface WaitingRun {
  readonly document: GraphDocument;
  readonly options: Omit<RunOptions, 'whilePaused' | 'prepared'> & { readonly run: string };
}

interface KeptQueue extends ProcessMark {
  /** ISO 8601: when it was written. */
  readonly written: string;
  readonly runs: readonly WaitingRun[];
}

/**
 * The same engine, which keeps the runs that wait in a file, in their order, so that they survive a crash and a restart.
 * What an engine that is gone left there waits again, from now on; the run that went on there is over.
 */
export async function keepQueue(engine: QueuedEngine, path: string): Promise<QueuedEngine> {
  const file = jsonFile<KeptQueue | undefined>(path, undefined, isKeptQueue);
  const waiting = new Map<string, WaitingRun>();
  let named = 0;
  const write = () =>
    file.change(() => ({ ...markProcess(), written: new Date().toISOString(), runs: [...waiting.values()] }));
  let written: Promise<unknown> = Promise.resolve();
  /** A disk that takes nothing only costs what survives a crash. */
  const writeQuietly = () => {
    written = write().catch(() => undefined);
  };
  const keep = (run: string, kept: WaitingRun) => {
    if (waiting.has(run)) return;
    waiting.set(run, kept);
    writeQuietly();
  };
  const drop = (run: string) => {
    if (waiting.delete(run)) writeQuietly();
  };
  const run: QueuedEngine['run'] = async (document, options, emit, signal) => {
    const name = options.run ?? `kept-${process.pid}-${++named}`;
    const { whilePaused: _whilePaused, prepared: _prepared, ...plain } = options;
    const follow = (event: RunEvent) => {
      if (event.type === 'run-waiting') keep(name, { document, options: { ...plain, run: name } });
      else drop(name);
      emit(event);
    };
    try {
      return await engine.run(document, { ...options, run: name }, follow, signal);
    } finally {
      drop(name);
    }
  };
  const left = await file.read().catch(() => undefined);
  if (left && left.runs.length > 0 && !isRunning(left, Date.parse(left.written))) {
    for (const { document, options } of left.runs) void run(document, options, () => {}).catch(() => undefined);
    writeQuietly(); // the first one does not wait any more
  }
  return {
    ...engine,
    run,
    async cancelRun(run) {
      const cancelled = await engine.cancelRun(run);
      drop(run);
      await written; // whoever closes the window after it does not find it again
      return cancelled;
    },
    async moveRun(run, before) {
      if (!(await engine.moveRun(run, before))) return false;
      const order = (await engine.listRuns()).map((one) => one.run);
      const sorted = [...waiting].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
      waiting.clear();
      for (const [name, kept] of sorted) waiting.set(name, kept);
      writeQuietly();
      return true;
    },
  };
}

function isKeptQueue(found: unknown): boolean {
  const { pid, written, runs } = (found ?? {}) as Partial<KeptQueue>;
  const isWaiting = (one: Partial<WaitingRun> | null) =>
    typeof one?.document === 'object' && typeof one.options?.run === 'string';
  return typeof pid === 'number' && typeof written === 'string' && Array.isArray(runs) && runs.every(isWaiting);
}
