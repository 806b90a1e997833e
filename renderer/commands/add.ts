import type { GraphDocument, Json } from '../../graphs/document/document.ts';
import { addNode, connect, freshId, moveNodes, setParam } from '../../graphs/edit/edit.ts';
import { addMark } from '../../graphs/edit/marks.ts';
import { type Arrived, insertReroute, placesFor } from '../../graphs/edit/rewire.ts';
import type { Cards, NodeCard } from '../../nodes/card.ts';
import { estimateCardShape } from '../level/cardShape.ts';
import { chooseModels } from '../level/choosingModels.ts';
import { GRID, snap } from '../level/grid.ts';
import { type Box, covers, makeRoom } from '../level/makeRoom.ts';
import type { Editor } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { type MarkItem, pickWires } from '../state/selection.ts';
import { type LooseEnd, type Point, select, selectNodes } from '../state/view.ts';
import type { Command } from './command.ts';
import { boundNodes, hasNodes, selectedNodes, sizeNode } from './selected.ts';

export const addCommands: readonly Command[] = [
  { name: 'addNode', menu: 'edit', keys: ['Tab', 'Shift+A'], begins: true, perform: searchNode },
  {
    name: 'connect',
    menu: 'edit',
    keys: ['W'],
    enabled: (editor) => selectedNodes(editor).length === 1,
    perform: searchWire,
  },
  { name: 'addNote', menu: 'edit', keys: ['N'], perform: addNote },
  { name: 'frame', menu: 'edit', keys: ['Mod+G'], enabled: hasNodes, perform: frameSelection },
  {
    name: 'reroute',
    menu: 'edit',
    keys: ['Shift+R'],
    enabled: ({ view }) => pickWires(view.getState().selection).length > 0,
    perform: rerouteSelection,
  },
];

/**
 * Adds a node, wired to a loose end where there is one, and selects it. Its head lies at the place, or the socket that is
 * wired; what it would cover makes room. `given` are values of its params.
 */
export function addNodeAt(
  editor: Editor,
  card: NodeCard,
  at: Point,
  from?: LooseEnd,
  given: Readonly<Record<string, Json>> = {},
): void {
  const { cards, document, whole, library } = editor.graph.getState();
  const id = freshId(document, card.type);
  const models = chooseModels(card, whole, library, editor.view.getState().models);
  editGraph(editor.graph, (before) => {
    const added = Object.entries({ ...models, ...given }).reduce(
      (next, [name, value]) => setParam(next, cards, id, name, value),
      addNode(before, id, card, [snap(at.x), snap(at.y - 20)]),
    );
    const wired = wire(added, cards, id, card, from);
    const { width, height, sockets } = estimateCardShape(added.nodes[id]!, cards);
    const socket = sockets.find(({ side, name }) => side !== from?.side && name === wired.name);
    const [x, y] = socket ? [snap(at.x - socket.x), snap(at.y - socket.y)] : added.nodes[id]!.position;
    const others = new Map(Object.keys(before.nodes).map((other) => [other, boundNodes(editor, [other])]));
    const pushed = makeRoom({ left: x, top: y, right: x + width, bottom: y + height }, others);
    return moveNodes(wired.document, { ...Object.fromEntries(pushed), [id]: [x, y] });
  });
  selectNodes(editor.view, [id]);
}

/** The document with a new node wired to a loose end, and the name of the node's own socket, where one fits. */
function wire(
  document: GraphDocument,
  cards: Cards,
  id: string,
  card: NodeCard,
  from: LooseEnd | undefined,
): { readonly document: GraphDocument; readonly name?: string } {
  if (!from) return { document };
  if (from.side === 'source') {
    const [name] = placesFor(document, cards, from.wire, id);
    return name === undefined ? { document } : { document: connect(document, cards, from.wire, id, name), name };
  }
  const name = Object.keys(card.outputs).find((output) =>
    placesFor(document, cards, [id, output], from.node).includes(from.name),
  );
  return name === undefined
    ? { document }
    : { document: connect(document, cards, [id, name], from.node, from.name), name };
}

/** Adds a node where there is room in what is seen, as near to its middle as can be; else in the middle. */
export function addNodeInMiddle(editor: Editor, card: NodeCard): void {
  const seen = editor.canvas?.seen() ?? { left: 0, top: 0, right: 0, bottom: 0 };
  const { width, height } = estimateCardShape(
    { type: card.type, version: card.version, params: {}, inputs: {}, position: [0, 0] },
    editor.graph.getState().cards,
  );
  const middle = { x: (seen.left + seen.right - width) / 2, y: (seen.top + seen.bottom - height) / 2 };
  const boxes = Object.keys(editor.graph.getState().document.nodes).map((id) => boundNodes(editor, [id]));
  const isFree = ({ x, y }: Point) => {
    const box = { left: x, top: y, right: x + width, bottom: y + height };
    const isSeen = box.left >= seen.left && box.top >= seen.top && box.right <= seen.right && box.bottom <= seen.bottom;
    return isSeen && boxes.every((other) => !covers(box, other));
  };
  const { x, y } = placesAround(middle, seen).find(isFree) ?? middle;
  addNodeAt(editor, card, { x, y: y + 20 });
}

/** Places of a grid around the middle of what is seen, the nearest first. */
function placesAround({ x, y }: Point, { left, right, top, bottom }: Box): Point[] {
  const step = GRID * 6;
  const [across, down] = [Math.ceil((right - left) / 2 / step), Math.ceil((bottom - top) / 2 / step)];
  const places: Point[] = [];
  for (let i = -across; i <= across; i++)
    for (let j = -down; j <= down; j++) places.push({ x: snap(x + i * step), y: snap(y + j * step) });
  return places.sort((a, b) => Math.hypot(a.x - x, a.y - y) - Math.hypot(b.x - x, b.y - y));
}

/** Puts a dot into a wire, its middle at a place, and selects it. */
export function addReroute({ graph, view }: Editor, arrived: Arrived, { x, y }: Point): void {
  const { document, cards } = graph.getState();
  const inserted = insertReroute(document, cards, arrived, [snap(x - GRID), snap(y - GRID)]);
  if (inserted.id === undefined) return;
  editGraph(graph, () => inserted.document);
  selectNodes(view, [inserted.id]);
}

/** Puts a dot into the middle of each selected wire. */
function rerouteSelection(editor: Editor): void {
  const { nodes } = editor.graph.getState().document;
  for (const arrived of pickWires(editor.view.getState().selection)) {
    const [source] = arrived.wire;
    const [from, to] = [nodes[source]?.position ?? [0, 0], nodes[arrived.node]?.position ?? [0, 0]];
    const left = from[0] + sizeNode(editor, source).width;
    addReroute(editor, arrived, { x: (left + to[0]) / 2, y: (from[1] + to[1]) / 2 });
  }
}

/** Offers the wires that the selected node can have. */
function searchWire(editor: Editor): void {
  const { graph, view, canvas } = editor;
  const [node] = selectedNodes(editor);
  if (node === undefined) return;
  const [x, y] = graph.getState().document.nodes[node]?.position ?? [0, 0];
  view.setState({ overlay: { kind: 'connect', node, screen: canvas?.screenOf({ x, y }) ?? { x, y } } });
}

function searchNode({ canvas, view }: Editor): void {
  const at = canvas?.pointer() ?? { x: 0, y: 0 };
  view.setState({ overlay: { kind: 'addNode', at, screen: canvas?.screenOf(at) ?? { x: 0, y: 0 } } });
}

function addNote(editor: Editor): void {
  const { x, y } = editor.canvas?.pointer() ?? { x: 0, y: 0 };
  const place = editor.graph.getState().document.notes?.length ?? 0;
  const note = { text: messages.canvas.newNote, position: [snap(x), snap(y)], size: [240, 96] } as const;
  editGraph(editor.graph, (document) => addMark(document, 'notes', note));
  selectAndName(editor, { kind: 'note', place });
}

function frameSelection(editor: Editor): void {
  const { left, top, right, bottom } = boundNodes(editor, selectedNodes(editor));
  const [margin, titleHeight] = [GRID * 3, GRID * 4];
  const place = editor.graph.getState().document.frames?.length ?? 0;
  const position = [left - margin, top - margin - titleHeight] as const;
  const size = [right - left + 2 * margin, bottom - top + 2 * margin + titleHeight] as const;
  const frame = { title: messages.canvas.newFrame, position, size };
  editGraph(editor.graph, (document) => addMark(document, 'frames', frame));
  selectAndName(editor, { kind: 'frame', place });
}

function selectAndName({ view }: Editor, item: MarkItem): void {
  select(view, [item]);
  view.setState({ naming: item });
}
