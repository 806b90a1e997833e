import type { ImageLabel, Preview, Scores, Trace } from '../../nodes/ports.ts';
import type { Problem } from '../document/problems.ts';

/** `invalid`: the graph or its overrides have problems, and nothing ran. */
export type RunStatus = 'done' | 'failed' | 'cancelled' | 'invalid';

export interface RunFinished {
  readonly type: 'run-finished';
  readonly run: string;
  readonly status: RunStatus;
  readonly ms: number;
  /** Steps that ran, and steps whose result was there already. */
  readonly ran: number;
  readonly cached: number;
  /** Bytes of results and models that the cache's budget had no room for: the next run computes them again. */
  readonly freed: number;
}

/**
 * The events of a run, in order: plain data, so the same event is a line of NDJSON, a server-sent event and a message of a
 * port (where bytes cannot travel, the shell that sends encodes them). `node` is an id. Every run starts with
 * `run-started` (one that waits for others says `run-waiting` before) and ends with `run-finished`; a node is either
 * cached, or started and then finished.
 */
export type RunEvent =
  /** `ahead`: how many runs come first. */
  | { readonly type: 'run-waiting'; readonly run: string; readonly ahead: number }
  | {
      readonly type: 'run-started';
      readonly run: string;
      readonly device: { readonly name: string; readonly description: string };
      /** The nodes that run or are cached, in the order in which they come. */
      readonly nodes: readonly string[];
      /** The name of the run folder, where the shell writes one. */
      readonly folder?: string;
    }
  | { readonly type: 'run-paused' | 'run-resumed'; readonly run: string }
  | { readonly type: 'node-started'; readonly run: string; readonly node: string }
  | {
      readonly type: 'node-progress';
      readonly run: string;
      readonly node: string;
      /** In [0, 1], over all elements of a list. */
      readonly fraction: number;
      readonly text?: string;
      /** Points of curves by name, e.g. the rewards of an optimiser at this step. */
      readonly figures?: Readonly<Record<string, number>>;
    }
  | { readonly type: 'node-cached'; readonly run: string; readonly node: string }
  | { readonly type: 'node-finished'; readonly run: string; readonly node: string; readonly ms: number }
  | { readonly type: 'preview'; readonly run: string; readonly node: string; readonly preview: Preview }
  | ({ readonly type: 'image' } & FileEvent)
  | ({ readonly type: 'file' } & FileEvent)
  /**
   * A small copy of an image that a node gave at an output, which gave `count` in all; only in runs with previews. Comes
   * after the node's end, and its name is that of the image: the same one at several nodes has one name.
   */
  | ({ readonly type: 'copy'; readonly output: string; readonly count: number } & FileEvent)
  | {
      readonly type: 'scores';
      readonly run: string;
      readonly node: string;
      readonly output: string;
      readonly scores: Scores;
    }
  | {
      readonly type: 'trace';
      readonly run: string;
      readonly node: string;
      readonly output: string;
      readonly trace: Trace;
    }
  /** What a node says of its result though nothing failed. */
  | { readonly type: 'remark'; readonly run: string; readonly node: string; readonly text: string }
  | { readonly type: 'problem'; readonly run: string; readonly problem: Problem }
  | RunFinished;

/** A file: `image` or `file`, by its mime type, where an output node gave it. */
interface FileEvent {
  readonly run: string;
  readonly node: string;
  /** A plain relative name; unique only within its node. */
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
  readonly label?: ImageLabel;
  /** Its path inside the run folder, where the shell writes one. */
  readonly path?: string;
}
