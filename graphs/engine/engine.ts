import { describeNode, type NodeCard } from '../../nodes/card.ts';
import type { Library, NodeDevice } from '../../nodes/defineNode.ts';
import type { Files } from '../../nodes/files.ts';
import { checkGraph } from '../document/check.ts';
import { type GraphDocument, own } from '../document/document.ts';
import { isUserError, type Problem, toProblem } from '../document/problems.ts';
import { type OpenedGraph, readGraph } from '../document/read.ts';
import { applyOverrides, findNode, type Overrides } from '../edit/overrides.ts';
import { ValueCache } from '../run/cache.ts';
import type { RunEvent, RunFinished, RunStatus } from '../run/events.ts';
import type { WhilePaused } from '../run/pause.ts';
import { type Plan, planRun } from '../run/plan.ts';
import { type CopyImages, runGraph } from '../run/run.ts';

export interface RunOptions {
  /** Ids or unique titles of the nodes to run, with all they need. By default every node that nothing reads. */
  readonly targets?: readonly string[];
  /** Params of this run only, e.g. `{ 'reno.steps': 20 }`. */
  readonly overrides?: Overrides;
  /** The name of the run in its events; by default `run-1`, `run-2`, ... */
  readonly run?: string;
  /** Where the graph lies, if it lies anywhere: relative paths in it start at that folder. */
  readonly location?: string;
  /** Whether nodes should emit previews of work in progress, and small copies of their images; false by default. */
  readonly previews?: boolean;
  /** Asked between steps; set by whoever queues runs, in the engine's own process. */
  readonly whilePaused?: WhilePaused;
  /** The result of `prepareRun` for this graph and these options, so that a caller in this process plans a run once. */
  readonly prepared?: PreparedRun;
}

/**
 * All that a shell needs from Noiseloom. The same interface in-process, over a port and over HTTP, so everything is a
 * promise and everything that crosses is plain data.
 */
export interface Engine {
  describeNodes(): Promise<readonly NodeCard[]>;
  /** Rejects with UserError only where the text is no graph; see `readGraph`. */
  openGraph(text: string): Promise<OpenedGraph>;
  /**
   * Runs a graph and emits its events up to `run-finished`, which is also the result. What goes wrong with the graph or a
   * node becomes `problem` events and the status; the promise rejects only for bugs in the program.
   */
  run(
    document: GraphDocument,
    options: RunOptions,
    emit: (event: RunEvent) => void,
    signal?: AbortSignal,
  ): Promise<RunFinished>;
  /** Frees everything that is cached. The engine stays usable. */
  clearCache(): Promise<void>;
}

export interface EngineParts {
  readonly library: Library;
  readonly device: NodeDevice;
  /** The disk; where relative paths start depends on `RunOptions.location` if it is a function. */
  readonly files: Files | ((location: string | undefined) => Files);
  /** Bytes of results and loaded models to keep between runs. */
  readonly cacheBudget: number;
  /** Makes the small copies of images that runs with previews emit; without it there are none. */
  readonly copyImages?: CopyImages;
}

/** The engine itself, in this process. */
export function createEngine({ library, device, files, cacheBudget, copyImages }: EngineParts): Engine {
  const cache = new ValueCache(cacheBudget);
  let runs = 0;
  return {
    describeNodes: async () => [...library.values()].map(describeNode),
    openGraph: async (text) => readGraph(text, library),
    clearCache: async () => cache.clear(),
    async run(document, options, send, signal = new AbortController().signal) {
      const run = options.run ?? `run-${++runs}`;
      const started = performance.now();
      const freedBefore = cache.freed;
      let [ran, cached] = [0, 0];
      const emit = (event: RunEvent) => {
        if (event.type === 'node-finished') ran++;
        else if (event.type === 'node-cached') cached++;
        send(event);
      };
      const prepared = options.prepared ?? prepareRun(document, options, library);
      const nodes = prepared.plan.steps.map(({ id }) => id);
      emit({ type: 'run-started', run, device: { name: device.name, description: device.description }, nodes });
      const problems = [...prepared.problems];
      let status: RunStatus = 'done';
      if (problems.length > 0) status = 'invalid';
      else {
        try {
          await runGraph(prepared.plan, {
            run,
            device,
            files: typeof files === 'function' ? files(options.location) : files,
            cache,
            signal,
            emit,
            previews: options.previews ?? false,
            ...(copyImages && { copyImages }),
            ...(options.whilePaused && { whilePaused: options.whilePaused }),
          });
        } catch (error) {
          status = isUserError(error) && error.code === 'CANCELLED' ? 'cancelled' : 'failed';
          if (status === 'failed') problems.push(toProblem(error));
        }
      }
      for (const problem of problems) emit({ type: 'problem', run, problem });
      const ms = performance.now() - started;
      const freed = cache.freed - freedBefore;
      const finished: RunFinished = { type: 'run-finished', run, status, ms, ran, cached, freed };
      emit(finished);
      return finished;
    },
  };
}

export interface PreparedRun {
  readonly document: GraphDocument;
  /** Empty where there are problems. */
  readonly plan: Plan;
  readonly problems: readonly Problem[];
}

/**
 * Everything before a run, and all of a dry run: overrides, check, plan. With targets, only problems of the nodes that
 * they need count.
 */
export function prepareRun(document: GraphDocument, { overrides, targets }: RunOptions, library: Library): PreparedRun {
  const nothing: Plan = { steps: [], lastUse: [] };
  let set = document;
  try {
    if (overrides) set = applyOverrides(document, overrides, library);
    const concerned =
      targets &&
      neededBy(
        set,
        targets.map((name) => findNode(set, findOuterNode(name, set), library)),
      );
    const problems = checkGraph(set, library).filter(
      ({ at }) => !concerned || at.node === undefined || concerned.has(findOuterNode(at.node, set)),
    );
    if (problems.length > 0) return { document: set, plan: nothing, problems };
    return { document: set, plan: planRun(set, library, targets), problems };
  } catch (error) {
    return { document: set, plan: nothing, problems: [toProblem(error)] };
  }
}

/** The node that holds the one named `outer/inner`, else the name itself. */
function findOuterNode(name: string, { nodes }: GraphDocument): string {
  const head = name.split('/')[0]!;
  return !Object.hasOwn(nodes, name) && Object.hasOwn(nodes, head) ? head : name;
}

/** The nodes and all they need, whether or not their wires are right. */
function neededBy(document: GraphDocument, ids: readonly string[]): ReadonlySet<string> {
  const needed = new Set(ids);
  for (const id of needed) {
    for (const wires of Object.values(own(document.nodes, id)?.inputs ?? {}))
      for (const [source] of wires) needed.add(source);
  }
  return needed;
}
