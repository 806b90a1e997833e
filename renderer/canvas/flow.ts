import { type Connection, type Edge, type Node, type NodeHandle, Position } from 'reactflow';
import { type Frame, type GraphDocument, type GraphNode, type Note, own } from '../../graphs/document/document.ts';
import { isReroute } from '../../graphs/document/levels.ts';
import { titleOf } from '../../graphs/document/problems.ts';
import type { Arrived } from '../../graphs/edit/rewire.ts';
import type { Cards } from '../../nodes/card.ts';
import type { PortType } from '../../nodes/ports.ts';
import { type CardShape, estimateCardShape } from '../level/cardShape.ts';
import { hasPlace } from '../level/marks.ts';
import { messages } from '../state/messages.ts';
import type { CanvasItem, Selection } from '../state/selection.ts';
import type { LooseEnd } from '../state/view.ts';

/*
 * Between a graph as it lies in a file and what React Flow draws: pure functions, and the only file that knows how React
 * Flow's ids name things. A node has the id that it has in its document; ids of notes and frames hold a colon and ids of
 * wires hold spaces, which ids of nodes do not. What did not change stays the same object, so React draws only what did.
 */

export type CardFlowNode = Node<{ readonly node: GraphNode }, 'card'>;
export type RerouteFlowNode = Node<{ readonly node: GraphNode }, 'reroute'>;
export type NoteFlowNode = Node<{ readonly note: Note; readonly place: number }, 'note'>;
export type FrameFlowNode = Node<{ readonly frame: Frame; readonly place: number }, 'frame'>;
export type FlowNode = CardFlowNode | RerouteFlowNode | NoteFlowNode | FrameFlowNode;
/** The way of a wire around nodes that would hide it: where it goes along, and its ends when that was found. */
export interface Route {
  readonly from: Place;
  readonly to: Place;
  readonly way: readonly [Place, Place];
}
interface Place {
  readonly x: number;
  readonly y: number;
}
export type FlowEdge = Edge<{ readonly type: PortType | undefined; readonly route?: Route }, 'wire'>;

const LISTS = { note: 'notes', frame: 'frames' } as const;

/** The id by which React Flow knows an item. */
export function flowId(item: CanvasItem): string {
  switch (item.kind) {
    case 'node':
      return item.id;
    case 'wire': {
      const { wire, node, name } = item.arrived;
      return `${wire[0]} ${wire[1]} ${node} ${name}`;
    }
    default:
      return `${LISTS[item.kind]}:${item.place}`;
  }
}

/** The item that an id of React Flow names. */
export function readFlowId(id: string): CanvasItem {
  const mark = /^(note|frame)s:(\d+)$/.exec(id);
  if (mark) return { kind: mark[1] as 'note' | 'frame', place: Number(mark[2]) };
  const [source, output, node, name] = id.split(' ');
  if (output === undefined || node === undefined || name === undefined) return { kind: 'node', id };
  return { kind: 'wire', arrived: { wire: [source!, output], node, name } };
}

/** The selection after React Flow selected and deselected some items. */
export function applySelectChanges(
  selection: Selection,
  changes: readonly { readonly id: string; readonly selected: boolean }[],
): Selection {
  const next = new Map(selection.map((item) => [flowId(item), item]));
  for (const { id, selected } of changes) {
    if (selected) next.set(id, next.get(id) ?? readFlowId(id));
    else next.delete(id);
  }
  return [...next.values()];
}

/**
 * What React Flow draws of a document. `previous` is what it drew before, with the sizes that it measured; what is new has
 * the size that its card tells.
 */
export function toFlowNodes(
  document: GraphDocument,
  cards: Cards,
  selection: Selection,
  previous: readonly FlowNode[],
): FlowNode[] {
  const before = new Map(previous.map((node) => [node.id, node]));
  const selected = new Set(selection.map(flowId));
  const frames = (document.frames ?? []).flatMap((frame, place): FlowNode[] => {
    const id = flowId({ kind: 'frame', place });
    return hasPlace(frame) ? [toFrameNode(id, frame, place, selected.has(id), before.get(id))] : [];
  });
  const nodes = Object.entries(document.nodes).map(([id, node]) =>
    toCardNode(id, node, cards, selected.has(id), before.get(id)),
  );
  const notes = (document.notes ?? []).flatMap((note, place): FlowNode[] => {
    const id = flowId({ kind: 'note', place });
    return hasPlace(note) ? [toNoteNode(id, note, place, selected.has(id), before.get(id))] : [];
  });
  return [...frames, ...nodes, ...notes].map(putAtPlace);
}

/**
 * The node put at its place by edges, as it was if it is there. React Flow would move it by a transform, and each of those
 * is a part of the image that the browser puts together anew in every frame: with thousands, most of its time.
 */
export function putAtPlace(node: FlowNode): FlowNode {
  const { x, y } = node.position;
  if (node.style?.left === x && node.style.top === y) return node;
  return { ...node, style: { transform: 'none', left: x, top: y } };
}

function toCardNode(
  id: string,
  node: GraphNode,
  cards: Cards,
  selected: boolean,
  before: FlowNode | undefined,
): FlowNode {
  const type = isReroute(node) ? 'reroute' : 'card';
  const ariaLabel = titleOf(node, cards);
  if (before?.type !== 'card' && before?.type !== 'reroute') {
    return {
      id,
      type,
      position: toPoint(node),
      data: { node },
      selected,
      ariaLabel,
      ...toHandles(estimateCardShape(node, cards)),
    };
  }
  const data = before.data.node === node ? before.data : { node };
  return isSame(before, toPoint(node), selected, data === before.data && before.ariaLabel === ariaLabel)
    ? before
    : { ...before, position: toPoint(node), data, selected, ariaLabel };
}

/** The side of a socket in pixels, as style/sockets.css draws it. */
const SOCKET_SIZE = 12;

function toHandles({ width, height, sockets }: CardShape): Pick<FlowNode, 'measured' | 'handles'> {
  const handles = sockets.map(({ name, side, x, y }): NodeHandle => {
    const position = side === 'target' ? Position.Left : Position.Right;
    const [left, top] = [x - SOCKET_SIZE / 2, y - SOCKET_SIZE / 2];
    return { id: name, type: side, position, x: left, y: top, width: SOCKET_SIZE, height: SOCKET_SIZE };
  });
  return { measured: { width, height }, handles };
}

function toNoteNode(id: string, note: Note, place: number, selected: boolean, before: FlowNode | undefined): FlowNode {
  if (before?.type !== 'note') {
    return { id, type: 'note', position: toPoint(note), data: { note, place }, selected, ...toSize(note) };
  }
  const data = before.data.note === note ? before.data : { note, place };
  return isSame(before, toPoint(note), selected, data === before.data)
    ? before
    : { ...before, position: toPoint(note), data, selected, ...toSize(note) };
}

function toFrameNode(
  id: string,
  frame: Frame,
  place: number,
  selected: boolean,
  before: FlowNode | undefined,
): FlowNode {
  if (before?.type !== 'frame') {
    return {
      id,
      type: 'frame',
      position: toPoint(frame),
      data: { frame, place },
      selected,
      ...toSize(frame),
      zIndex: -1,
      dragHandle: '.frame-title',
    };
  }
  const data = before.data.frame === frame ? before.data : { frame, place };
  return isSame(before, toPoint(frame), selected, data === before.data)
    ? before
    : { ...before, position: toPoint(frame), data, selected, ...toSize(frame) };
}

function isSame(
  before: FlowNode,
  { x, y }: { readonly x: number; readonly y: number },
  selected: boolean,
  sameData: boolean,
): boolean {
  return sameData && before.position.x === x && before.position.y === y && before.selected === selected;
}

function toPoint({ position }: Pick<GraphNode, 'position'>): { x: number; y: number } {
  return { x: position[0], y: position[1] };
}

function toSize({ size }: Note | Frame): { width: number; height: number } {
  return { width: size[0], height: size[1] };
}

/** The node without the sockets that were estimated: those that were measured hold from now on. */
export function dropEstimate(node: FlowNode): FlowNode {
  if (!node.handles) return node;
  const { handles: _estimated, ...rest } = node;
  return rest as FlowNode;
}

/** The wires into each node as they were drawn last. */
const knownEdges = new WeakMap<GraphNode, { readonly id: string; readonly edges: readonly FlowEdge[] }>();

/** The wires of a document whose two ends are there, with the type that each carries. */
export function toFlowEdges(document: GraphDocument, cards: Cards, selection: Selection): FlowEdge[] {
  const selected = new Set(selection.map(flowId));
  return Object.entries(document.nodes).flatMap(([id, node]) => {
    const known = knownEdges.get(node);
    const edges = drawEdgesInto(document, cards, id, node, selected, known?.id === id ? known.edges : []);
    knownEdges.set(node, { id, edges });
    return edges;
  });
}

function drawEdgesInto(
  document: GraphDocument,
  cards: Cards,
  target: string,
  node: GraphNode,
  selection: ReadonlySet<string>,
  before: readonly FlowEdge[],
): FlowEdge[] {
  const edges: FlowEdge[] = [];
  for (const [name, wires] of Object.entries(node.inputs)) {
    for (const wire of wires) {
      const source = own(document.nodes, wire[0]);
      if (!source) continue;
      const id = flowId({ kind: 'wire', arrived: { wire, node: target, name } });
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

/** The wire that React Flow proposes, or undefined where an end is missing. */
export function readConnection({
  source,
  sourceHandle,
  target,
  targetHandle,
}: Connection | FlowEdge): Arrived | undefined {
  return sourceHandle && targetHandle ? { wire: [source, sourceHandle], node: target, name: targetHandle } : undefined;
}

/** The end of a wire that is being drawn from a socket. */
export function holdEnd(node: string, handle: string, side: 'source' | 'target'): LooseEnd {
  return side === 'source' ? { side, wire: [node, handle] } : { side, node, name: handle };
}

/** The nodes and notes that lie wholly inside a frame. */
export function findInsideFrame(frame: FlowNode, nodes: readonly FlowNode[]): FlowNode[] {
  const right = frame.position.x + (frame.width ?? 0);
  const bottom = frame.position.y + (frame.height ?? 0);
  return nodes.filter(({ id, type, position, measured }) => {
    if (type === 'frame' || id === frame.id) return false;
    const [width, height] = [measured?.width ?? 0, measured?.height ?? 0];
    return (
      position.x >= frame.position.x &&
      position.y >= frame.position.y &&
      position.x + width <= right &&
      position.y + height <= bottom
    );
  });
}
