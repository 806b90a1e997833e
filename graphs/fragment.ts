import { emptyDocument, type Frame, type GraphDocument, type GraphNode, type Note, type Wire } from './document.ts';
import { freshId } from './edit.ts';

/** Places in the lists of notes and frames of a document. */
export interface Marks {
  readonly notes?: Iterable<number>;
  readonly frames?: Iterable<number>;
}

/** Some nodes, notes and frames of a graph as a graph of their own; wires from other nodes are left out. */
export function fragmentOf(document: GraphDocument, ids: Iterable<string>, marks: Marks = {}): GraphDocument {
  const kept = new Set(ids);
  const nodes: Record<string, GraphNode> = {};
  for (const id of Object.keys(document.nodes)) {
    if (!kept.has(id)) continue;
    const node = document.nodes[id]!;
    nodes[id] = { ...node, inputs: wiresFrom(node, (wire) => (kept.has(wire[0]) ? wire : undefined)) };
  }
  const notes = [...(marks.notes ?? [])].flatMap((i) => document.notes?.[i] ?? []);
  const frames = [...(marks.frames ?? [])].flatMap((i) => document.frames?.[i] ?? []);
  return {
    ...emptyDocument(document.title),
    ...(notes.length > 0 ? { notes } : {}),
    ...(frames.length > 0 ? { frames } : {}),
    nodes,
  };
}

export interface Inserted {
  readonly document: GraphDocument;
  /** The new nodes, in the order of the fragment's. */
  readonly ids: readonly string[];
  /** Where the fragment's notes and frames begin in the lists of the document. */
  readonly notesFrom: number;
  readonly framesFrom: number;
}

/** Adds a graph to another, moved by an offset. Its nodes get new ids where theirs are taken, and keep their wires. */
export function insertFragment(
  document: GraphDocument,
  fragment: GraphDocument,
  [dx, dy]: readonly [x: number, y: number],
): Inserted {
  const names = new Map<string, string>();
  let grown = document;
  for (const [id, node] of Object.entries(fragment.nodes)) {
    const fresh = Object.hasOwn(grown.nodes, id) ? freshId(grown, node.type) : id;
    names.set(id, fresh);
    grown = { ...grown, nodes: { ...grown.nodes, [fresh]: node } };
  }
  const nodes: Record<string, GraphNode> = { ...document.nodes };
  for (const [id, node] of Object.entries(fragment.nodes)) {
    const inputs = wiresFrom(node, ([source, output]) => {
      const renamed = names.get(source);
      return renamed === undefined ? undefined : [renamed, output];
    });
    nodes[names.get(id)!] = { ...node, inputs, position: [node.position[0] + dx, node.position[1] + dy] };
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
      nodes,
    },
    ids: [...names.values()],
    notesFrom: document.notes?.length ?? 0,
    framesFrom: document.frames?.length ?? 0,
  };
}

/** The wires into a node, each changed or, for undefined, left out. */
function wiresFrom(node: GraphNode, change: (wire: Wire) => Wire | undefined): GraphNode['inputs'] {
  const inputs: Record<string, readonly Wire[]> = {};
  for (const [name, wires] of Object.entries(node.inputs)) {
    const kept = wires.flatMap((wire) => {
      const changed = change(wire);
      return changed ? [changed] : [];
    });
    if (kept.length > 0) inputs[name] = kept;
  }
  return inputs;
}
