import type { Connection, Edge, Node } from 'reactflow';
import {
  type Frame,
  type GraphDocument,
  type GraphNode,
  type Note,
  own,
  type Wire,
} from '../../graphs/document/document.ts';
import { titleOf } from '../../graphs/document/errors.ts';
import { isReroute } from '../../graphs/document/levels.ts';
import type { MarkKind } from '../../graphs/document/marks.ts';
import type { Arrived } from '../../graphs/edit/rewire.ts';
import type { Cards } from '../../nodes/card.ts';
import type { PortType } from '../../nodes/ports.ts';
import { messages } from '../state/messages.ts';
import type { LooseEnd } from '../state/view.ts';
import { cardShape } from './cardShape.ts';

/*
 * Between a graph as it lies in a file and what React Flow draws: pure functions, and the only file that knows both.
 * What did not change stays the same object, so React draws only what did.
 */

export type CardFlowNode = Node<{ readonly node: GraphNode }, 'card'>;
export type RerouteFlowNode = Node<{ readonly node: GraphNode }, 'reroute'>;
export type NoteFlowNode = Node<{ readonly note: Note; readonly place: number }, 'note'>;
export type FrameFlowNode = Node<{ readonly frame: Frame; readonly place: number }, 'frame'>;
export type FlowNode = CardFlowNode | RerouteFlowNode | NoteFlowNode | FrameFlowNode;
export type FlowEdge = Edge<{ readonly type: PortType | undefined }, 'wire'>;

/** The grid of the canvas in pixels. */
export const GRID = 8;

/** The kind of data that a node is dragged as, from the list of nodes to the canvas: its type. */
export const NODE_TYPE = 'application/x-noiseloom-node';

/** Ids of notes and frames on the canvas; ids of nodes hold no colon. */
export function markId(kind: MarkKind, place: number): string {
  return `${kind}:${place}`;
}

/** The list and place that an id of the canvas names, or undefined for that of a node or a wire. */
export function markOf(id: string): { readonly kind: MarkKind; readonly place: number } | undefined {
  const match = /^(notes|frames):(\d+)$/.exec(id);
  return match ? { kind: match[1] as MarkKind, place: Number(match[2]) } : undefined;
}

/**
 * What React Flow draws of a document. `previous` is what it drew before, with the sizes that it measured; what is new has
 * the size that its card tells.
 */
export function flowNodes(
  document: GraphDocument,
  cards: Cards,
  selection: ReadonlySet<string>,
  previous: readonly FlowNode[],
): FlowNode[] {
  const before = new Map(previous.map((node) => [node.id, node]));
  const frames = (document.frames ?? []).flatMap((frame, place): FlowNode[] => {
    const id = markId('frames', place);
    return isMark(frame) ? [frameNode(id, frame, place, selection.has(id), before.get(id))] : [];
  });
  const nodes = Object.keys(document.nodes).map((id) =>
    cardNode(id, document.nodes[id] as GraphNode, cards, selection.has(id), before.get(id)),
  );
  const notes = (document.notes ?? []).flatMap((note, place): FlowNode[] => {
    const id = markId('notes', place);
    return isMark(note) ? [noteNode(id, note, place, selection.has(id), before.get(id))] : [];
  });
  return [...frames, ...nodes, ...notes].map(atPlace);
}

/**
 * The node put at its place by edges, as it was if it is there. React Flow would move it by a transform, and each of those
 * is a part of the image that the browser puts together anew in every frame: with thousands, most of its time.
 */
export function atPlace(node: FlowNode): FlowNode {
  const { x, y } = node.position;
  if (node.style?.left === x && node.style.top === y) return node;
  return { ...node, style: { transform: 'none', left: x, top: y } };
}

function cardNode(
  id: string,
  node: GraphNode,
  cards: Cards,
  selected: boolean,
  before: FlowNode | undefined,
): FlowNode {
  const type = isReroute(node) ? 'reroute' : 'card';
  const ariaLabel = titleOf(node, cards);
  if (before?.type !== 'card' && before?.type !== 'reroute') {
    return { id, type, position: placeOf(node), data: { node }, selected, ariaLabel, ...cardShape(node, cards) };
  }
  const data = before.data.node === node ? before.data : { node };
  return same(before, placeOf(node), selected, data === before.data && before.ariaLabel === ariaLabel)
    ? before
    : { ...before, position: placeOf(node), data, selected, ariaLabel };
}

function noteNode(id: string, note: Note, place: number, selected: boolean, before: FlowNode | undefined): FlowNode {
  if (before?.type !== 'note') {
    return { id, type: 'note', position: placeOf(note), data: { note, place }, selected, ...sized(note) };
  }
  const data = before.data.note === note ? before.data : { note, place };
  return same(before, placeOf(note), selected, data === before.data)
    ? before
    : { ...before, position: placeOf(note), data, selected, ...sized(note) };
}

function frameNode(id: string, frame: Frame, place: number, selected: boolean, before: FlowNode | undefined): FlowNode {
  if (before?.type !== 'frame') {
    return {
      id,
      type: 'frame',
      position: placeOf(frame),
      data: { frame, place },
      selected,
      ...sized(frame),
      zIndex: -1,
      dragHandle: '.frame-title',
    };
  }
  const data = before.data.frame === frame ? before.data : { frame, place };
  return same(before, placeOf(frame), selected, data === before.data)
    ? before
    : { ...before, position: placeOf(frame), data, selected, ...sized(frame) };
}

function same(
  before: FlowNode,
  { x, y }: { readonly x: number; readonly y: number },
  selected: boolean,
  sameData: boolean,
): boolean {
  return sameData && before.position.x === x && before.position.y === y && before.selected === selected;
}

function placeOf({ position }: Pick<GraphNode, 'position'>): { x: number; y: number } {
  return { x: position[0], y: position[1] };
}

function sized({ size }: Note | Frame): { width: number; height: number } {
  return { width: size[0], height: size[1] };
}

/** Notes and frames come from strangers: those without a place are kept in the file and not drawn. */
function isMark({ position, size }: Note | Frame): boolean {
  return [position, size].every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(Number.isFinite));
}

/** The node with the sockets that were measured in place of those that its card tells. */
export function measuredNode(node: FlowNode): FlowNode {
  if (!node.handles) return node;
  const { handles: _told, ...rest } = node;
  return rest as FlowNode;
}

const edgesOfNode = new WeakMap<GraphNode, { readonly id: string; readonly edges: readonly FlowEdge[] }>();

/** The wires of a document whose two ends are there, with the type that each carries. */
export function flowEdges(document: GraphDocument, cards: Cards, selection: ReadonlySet<string>): FlowEdge[] {
  return Object.keys(document.nodes).flatMap((id) => {
    const node = document.nodes[id] as GraphNode;
    const known = edgesOfNode.get(node);
    const edges = edgesInto(document, cards, id, node, selection, known?.id === id ? known.edges : []);
    edgesOfNode.set(node, { id, edges });
    return edges;
  });
}

function edgesInto(
  document: GraphDocument,
  cards: Cards,
  target: string,
  node: GraphNode,
  selection: ReadonlySet<string>,
  before: readonly FlowEdge[],
): FlowEdge[] {
  const edges: FlowEdge[] = [];
  for (const name in node.inputs) {
    for (const wire of node.inputs[name] as readonly Wire[]) {
      const source = own(document.nodes, wire[0]);
      if (!source) continue;
      const id = edgeId({ wire, node: target, name });
      const type = own(cards.get(source.type)?.outputs ?? {}, wire[1])?.type;
      const selected = selection.has(id);
      const ariaLabel = messages.canvas.wire(wire[1], titleOf(source, cards), name, titleOf(node, cards));
      const old = before.find((edge) => edge.id === id);
      if (old && old.data?.type === type && old.selected === selected && old.ariaLabel === ariaLabel) edges.push(old);
      else {
        const ends = { source: wire[0], sourceHandle: wire[1], target, targetHandle: name };
        edges.push({
          id,
          type: 'wire',
          ...ends,
          data: { type },
          selected,
          ariaLabel,
          className: `wire type-${type ?? 'unknown'}`,
        });
      }
    }
  }
  return edges;
}

/** The name of a wire on the canvas. */
export function edgeId({ wire: [source, output], node, name }: Arrived): string {
  return `${source} ${output} ${node} ${name}`;
}

/** The wire that an id of the canvas names, or undefined where it names something else. */
export function wireOfEdge(id: string): Arrived | undefined {
  const [source, output, node, name, ...rest] = id.split(' ');
  if (source === undefined || output === undefined || node === undefined || name === undefined || rest.length > 0) {
    return undefined;
  }
  return { wire: [source, output], node, name };
}

/** The wire that React Flow proposes, or undefined where an end is missing. */
export function wireOfConnection({
  source,
  sourceHandle,
  target,
  targetHandle,
}: Connection | FlowEdge): Arrived | undefined {
  return sourceHandle && targetHandle ? { wire: [source, sourceHandle], node: target, name: targetHandle } : undefined;
}

/** The end of a wire that is being drawn from a socket. */
export function looseEnd(node: string, handle: string, side: 'source' | 'target'): LooseEnd {
  return side === 'source' ? { side, wire: [node, handle] } : { side, node, name: handle };
}

/** Ids of the nodes and notes that lie wholly inside a frame. */
export function insideFrame(frame: FlowNode, nodes: readonly FlowNode[]): string[] {
  const right = frame.position.x + (frame.width ?? 0);
  const bottom = frame.position.y + (frame.height ?? 0);
  return nodes
    .filter(({ id, type, position, measured }) => {
      if (type === 'frame' || id === frame.id) return false;
      const [width, height] = [measured?.width ?? 0, measured?.height ?? 0];
      return (
        position.x >= frame.position.x &&
        position.y >= frame.position.y &&
        position.x + width <= right &&
        position.y + height <= bottom
      );
    })
    .map(({ id }) => id);
}
