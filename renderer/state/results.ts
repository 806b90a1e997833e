import type { RunEvent } from '../../graphs/run/events.ts';
import type { NodeResult, NodeRun, Run, RunState, RunStore } from './run.ts';

/*
 * What nodes gave last stays with them, whichever run it is of, until another run gives something else.
 */

/** Whether there is something to look at in what a run did at a node. */
export function hasResult({ curves, preview, scores, files, copies, remarks }: NodeRun): boolean {
  return [scores, files, copies, remarks].some((list) => list && list.length > 0) || (curves ?? preview) !== undefined;
}

/** Keeps what an event of a run brought, after the run was folded with it. */
export function keepResult(store: RunStore, run: Run, event: RunEvent): void {
  if (event.type === 'run-finished') {
    put(store, resultsOf(run));
  } else if (event.type === 'node-cached') {
    const known = store.getState().results[event.node];
    if (known && run.document) put(store, { [event.node]: { ...known, document: run.document } });
  } else if (isGiven(event)) put(store, { [event.node]: resultOf(run, event.node) });
}

/** What the nodes of a run gave, of those that gave something. */
export function resultsOf(run: Run): RunState['results'] {
  const given = Object.keys(run.nodes).filter((id) => hasResult(run.nodes[id]!));
  return Object.fromEntries(given.map((id) => [id, resultOf(run, id)]));
}

function isGiven(
  event: RunEvent,
): event is Extract<RunEvent, { type: 'image' | 'file' | 'copy' | 'scores' | 'trace' }> {
  return ['image', 'file', 'copy', 'scores', 'trace'].includes(event.type);
}

function resultOf({ nodes, folder, document }: Run, id: string): NodeResult {
  return { node: nodes[id]!, ...(folder ? { folder } : {}), ...(document ? { document } : {}) };
}

function put(store: RunStore, results: RunState['results']): void {
  store.setState((state) => ({ results: { ...state.results, ...results } }));
}

/** What the nodes inside a subgraph gave last: the last one that shows images, else the last one that shows anything. */
export function resultInside(results: RunState['results'], prefix: string): NodeResult | undefined {
  const inside = Object.entries(results).flatMap(([id, result]) => (id.startsWith(prefix) ? [result] : []));
  return inside.findLast(({ node }) => node.copies ?? node.files) ?? inside.at(-1);
}
