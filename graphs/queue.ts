import type { Engine } from './engine.ts';
import type { RunEvent, RunFinished } from './events.ts';

/** A run that is not over yet. */
export interface QueuedRun {
  readonly run: string;
  /** Title of the graph. */
  readonly title: string;
  readonly state: 'waiting' | 'running';
}

/**
 * An engine whose runs wait for each other, and outlive whoever asked for them: a window that was closed, a browser that
 * lost its connection.
 */
export interface QueuedEngine extends Engine {
  /** The runs that are not over, in the order in which they run. */
  listRuns(): Promise<readonly QueuedRun[]>;
  /**
   * Tells the events of a run that somebody started, from its first on; of the previews that are past only the last of each
   * node. Rejects with GraphError `NO_RUN` where no such run waits or runs.
   */
  followRun(run: string, emit: (event: RunEvent) => void): Promise<RunFinished>;
  /** Cancels a run, waiting or running, and no other; false where there is none of that name. */
  cancelRun(run: string): Promise<boolean>;
}
