import { type GraphDocument, type GraphNode, own } from '../../graphs/document/document.ts';
import { subgraphAt, subgraphOf } from '../../graphs/document/levels.ts';

/*
 * Whether a result still holds: it does while all that its node depends on is as it was. Places, titles and colours do
 * not count.
 */

/** Whether a node, named from the top, depends on something else in the graph as it is than in the graph that ran. */
export function isStale(ran: GraphDocument, now: GraphDocument, id: string): boolean {
  if (ran === now) return false;
  const path = id.split('/');
  for (let depth = 0; depth < path.length; depth++) {
    const around = path.slice(0, depth);
    const names = [subgraphAt(ran, around), subgraphAt(now, around)] as const;
    if (depth > 0 && (names[0] === undefined || names[1] === undefined)) return true;
    const node = path[depth]!;
    const stale = findStale(ran, now, ...names);
    if (depth === path.length - 1) return stale.has(node);
    const [before, after] = [nodeOf(ran, names[0], node), nodeOf(now, names[1], node)];
    // what is inside depends on what comes in; whether it changed itself is asked one level further
    if (!before || !after || !isAlike(before, after) || sourcesOf(after).some((source) => stale.has(source)))
      return true;
  }
  return false;
}

const known = new WeakMap<GraphDocument, WeakMap<GraphDocument, Map<string, ReadonlySet<string>>>>();

/** The nodes of a level that changed, and all behind them. */
function findStale(ran: GraphDocument, now: GraphDocument, nameThen?: string, name?: string): ReadonlySet<string> {
  const ofRan = known.get(ran) ?? new WeakMap<GraphDocument, Map<string, ReadonlySet<string>>>();
  known.set(ran, ofRan);
  const levels = ofRan.get(now) ?? new Map<string, ReadonlySet<string>>();
  ofRan.set(now, levels);
  const key = `${nameThen ?? ''} ${name ?? ''}`;
  const found = levels.get(key) ?? spread(changedNodes(ran, now, nameThen, name), nodesOf(now, name));
  levels.set(key, found);
  return found;
}

function changedNodes(ran: GraphDocument, now: GraphDocument, nameThen?: string, name?: string): Set<string> {
  const nodes = nodesOf(now, name);
  const changed = Object.keys(nodes).filter((id) => {
    const [before, after] = [nodeOf(ran, nameThen, id), nodes[id]!];
    if (!before || !isAlike(before, after)) return true;
    const subgraph = subgraphOf(after);
    return subgraph !== undefined && isSubgraphChanged(ran, now, subgraph);
  });
  return new Set(changed);
}

/** Whether anything inside a subgraph changed that results can depend on. */
function isSubgraphChanged(ran: GraphDocument, now: GraphDocument, name: string): boolean {
  const [before, after] = [own(ran.subgraphs ?? {}, name), own(now.subgraphs ?? {}, name)];
  if (ran.subgraphs === now.subgraphs) return false;
  if (!before || !after || Object.keys(before.nodes).length !== Object.keys(after.nodes).length) return true;
  return findStale(ran, now, name, name).size > 0;
}

/** The nodes and all that they lead to. */
function spread(changed: Set<string>, nodes: GraphDocument['nodes']): ReadonlySet<string> {
  if (changed.size === 0) return changed;
  const readers = new Map<string, string[]>();
  for (const id in nodes)
    for (const source of sourcesOf(nodes[id]!)) {
      const known = readers.get(source);
      if (known) known.push(id);
      else readers.set(source, [id]);
    }
  for (const id of changed) for (const reader of readers.get(id) ?? []) changed.add(reader);
  return changed;
}

function nodeOf(document: GraphDocument, name: string | undefined, id: string): GraphNode | undefined {
  return own(nodesOf(document, name), id);
}

function nodesOf(document: GraphDocument, name: string | undefined): GraphDocument['nodes'] {
  return name === undefined ? document.nodes : (own(document.subgraphs ?? {}, name)?.nodes ?? {});
}

function sourcesOf({ inputs }: GraphNode): string[] {
  return Object.values(inputs).flatMap((wires) => wires.map(([source]) => source));
}

function isAlike(before: GraphNode, after: GraphNode): boolean {
  if (before === after) return true;
  const { type, version, muted = false } = before;
  return (
    type === after.type &&
    version === after.version &&
    muted === (after.muted ?? false) &&
    isSame(before.params, after.params) &&
    isSame(before.inputs, after.inputs)
  );
}

function isSame(before: object, after: object): boolean {
  return before === after || JSON.stringify(sorted(before)) === JSON.stringify(sorted(after));
}

function sorted(record: object): [string, unknown][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
