import { subgraphsIn } from '../document/checkSubgraphs.ts';
import {
  emptyDocument,
  type Frame,
  type GraphDocument,
  type GraphNode,
  type Note,
  own,
  type Subgraph,
} from '../document/document.ts';
import { isBoundary, subgraphOf } from '../document/levels.ts';
import { withWires } from '../document/wires.ts';
import { freshId } from './edit.ts';

/** Places in the lists of notes and frames of a document. */
interface Marks {
  readonly notes?: Iterable<number>;
  readonly frames?: Iterable<number>;
}

/**
 * Some nodes, notes and frames of a graph as a graph of their own, with the subgraphs they need; wires from other nodes,
 * and the nodes of ports, are left out.
 */
export function extractFragment(document: GraphDocument, ids: Iterable<string>, marks: Marks = {}): GraphDocument {
  const kept = new Set([...ids].filter((id) => own(document.nodes, id) && !isBoundary(document.nodes[id]!)));
  const nodes: Record<string, GraphNode> = {};
  for (const id of Object.keys(document.nodes)) {
    if (!kept.has(id)) continue;
    const node = document.nodes[id]!;
    nodes[id] = withWires(node, (wire) => (kept.has(wire[0]) ? [wire] : []));
  }
  const notes = [...(marks.notes ?? [])].flatMap((i) => document.notes?.[i] ?? []);
  const frames = [...(marks.frames ?? [])].flatMap((i) => document.frames?.[i] ?? []);
  return {
    ...emptyDocument(document.title),
    ...(notes.length > 0 ? { notes } : {}),
    ...(frames.length > 0 ? { frames } : {}),
    ...subgraphsFor(document, nodes),
    nodes,
  };
}

/** The subgraphs that nodes stand for, and those in them. */
function subgraphsFor(
  { subgraphs = {} }: GraphDocument,
  nodes: GraphDocument['nodes'],
): Pick<GraphDocument, 'subgraphs'> {
  const needed = new Set(subgraphsIn({ nodes }).filter((name) => own(subgraphs, name)));
  for (const name of needed) {
    for (const inner of subgraphsIn(subgraphs[name]!)) if (own(subgraphs, inner)) needed.add(inner);
  }
  if (needed.size === 0) return {};
  return { subgraphs: Object.fromEntries([...needed].map((name) => [name, subgraphs[name]!])) };
}

interface Inserted {
  readonly document: GraphDocument;
  /** The new nodes, in the order of the fragment's. */
  readonly ids: readonly string[];
  /** Where the fragment's notes and frames begin in the lists of the document. */
  readonly notesFrom: number;
  readonly framesFrom: number;
}

/**
 * Adds a graph to another, moved by an offset. Its nodes get new ids where theirs are taken, and keep their wires; its
 * subgraphs get new names where other ones have theirs.
 */
export function insertFragment(
  document: GraphDocument,
  fragment: GraphDocument,
  [dx, dy]: readonly [x: number, y: number],
): Inserted {
  const { nodes: added, subgraphs } = mergeSubgraphs(document, fragment);
  const names = new Map<string, string>();
  let grown = document;
  for (const [id, node] of Object.entries(added)) {
    const fresh = Object.hasOwn(grown.nodes, id) ? freshId(grown, node.type) : id;
    names.set(id, fresh);
    grown = { ...grown, nodes: { ...grown.nodes, [fresh]: node } };
  }
  const nodes: Record<string, GraphNode> = { ...document.nodes };
  for (const [id, node] of Object.entries(added)) {
    const wired = withWires(node, ([source, output]) => {
      const renamed = names.get(source);
      return renamed === undefined ? [] : [[renamed, output]];
    });
    nodes[names.get(id)!] = { ...wired, position: [node.position[0] + dx, node.position[1] + dy] };
  }
  const moved = <Mark extends Note | Frame>(mark: Mark): Mark => ({
    ...mark,
    position: [mark.position[0] + dx, mark.position[1] + dy],
  });
  const notes = [...(document.notes ?? []), ...(fragment.notes ?? []).map(moved)];
  const frames = [...(document.frames ?? []), ...(fragment.frames ?? []).map(moved)];
  return {
    document: {
      ...document,
      ...(notes.length > 0 ? { notes } : {}),
      ...(frames.length > 0 ? { frames } : {}),
      ...(subgraphs ? { subgraphs } : {}),
      nodes,
    },
    ids: [...names.values()],
    notesFrom: document.notes?.length ?? 0,
    framesFrom: document.frames?.length ?? 0,
  };
}

/** The nodes of a fragment without those of ports, and all subgraphs of both graphs, each under one name. */
function mergeSubgraphs(
  { subgraphs = {} }: GraphDocument,
  { subgraphs: added = {}, nodes }: GraphDocument,
): Pick<GraphDocument, 'nodes' | 'subgraphs'> {
  const names = new Map<string, string>();
  const taken = new Set([...Object.keys(subgraphs), ...Object.keys(added)]);
  const differs = (name: string, subgraph: Subgraph) =>
    JSON.stringify(subgraphs[name]) !== JSON.stringify(subgraph) ||
    subgraphsIn(subgraph).some((inner) => names.has(inner));
  for (let before = -1; before < names.size; ) {
    before = names.size;
    for (const [name, subgraph] of Object.entries(added)) {
      if (!own(subgraphs, name) || names.has(name) || !differs(name, subgraph)) continue;
      let fresh = name;
      for (let number = 2; taken.has(fresh); number++) fresh = `${name}-${number}`;
      taken.add(fresh);
      names.set(name, fresh);
    }
  }
  const renamed = (all: GraphDocument['nodes']): GraphDocument['nodes'] =>
    Object.fromEntries(
      Object.entries(all).map(([id, node]) => {
        const fresh = names.get(subgraphOf(node) ?? '');
        return [id, fresh === undefined ? node : { ...node, type: `subgraph/${fresh}` }];
      }),
    );
  const more = Object.entries(added).map(([name, subgraph]): [string, Subgraph] => [
    names.get(name) ?? name,
    { ...subgraph, nodes: renamed(subgraph.nodes) },
  ]);
  const all = Object.fromEntries([...Object.entries(subgraphs), ...more]);
  const kept = Object.entries(renamed(nodes)).filter(([, node]) => !isBoundary(node));
  return { nodes: Object.fromEntries(kept), ...(Object.keys(all).length > 0 ? { subgraphs: all } : {}) };
}
