import { addNode, connect, freshId, moveNodes } from '../../graphs/edit/edit.ts';
import { addMark } from '../../graphs/edit/marks.ts';
import { type Arrived, insertReroute, placesFor } from '../../graphs/edit/rewire.ts';
import type { NodeCard } from '../../nodes/card.ts';
import { USUAL_SIZE } from '../level/cardShape.ts';
import { GRID, snap } from '../level/grid.ts';
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

/** Adds a node, wired to a loose end where there is one, and selects it. */
export function addNodeAt(editor: Editor, card: NodeCard, at: Point, from?: LooseEnd): void {
  const { cards, document } = editor.graph.getState();
  const id = freshId(document, card.type);
  const position = [snap(at.x), snap(at.y - 20)] as const;
  editGraph(editor.graph, (before) => {
    const added = addNode(before, id, card, position);
    if (!from) return added;
    if (from.side === 'source') {
      const [place] = placesFor(added, cards, from.wire, id);
      return place === undefined ? added : connect(added, cards, from.wire, id, place);
    }
    const outputs = Object.keys(card.outputs);
    const output = outputs.find((name) => placesFor(added, cards, [id, name], from.node).includes(from.name));
    if (output === undefined) return added;
    const { x, y } = findFreePlace(editor, { x: position[0] - 280, y: position[1] });
    const moved = moveNodes(added, { [id]: [x, y] });
    return connect(moved, cards, [id, output], from.node, from.name);
  });
  selectNodes(editor.view, [id]);
  if (from?.side === 'target') reveal(editor, id);
}

/** Adds a node in the middle of what is seen, or below where others lie there. */
export function addNodeInMiddle(editor: Editor, card: NodeCard): void {
  addNodeAt(editor, card, findFreePlace(editor, editor.canvas?.centre() ?? { x: 0, y: 0 }));
  for (const id of selectedNodes(editor)) reveal(editor, id);
}

function reveal({ graph, canvas }: Editor, id: string): void {
  const [x, y] = graph.getState().document.nodes[id]?.position ?? [0, 0];
  canvas?.reveal({ x: x + USUAL_SIZE.width / 2, y: y + USUAL_SIZE.height / 2 });
}

/** The given place if a new node would cover no other there, or else the next free place below. */
function findFreePlace(editor: Editor, { x, y }: Point): Point {
  const { width, height } = USUAL_SIZE;
  const boxes = Object.keys(editor.graph.getState().document.nodes).map((id) => boundNodes(editor, [id]));
  let top = y;
  for (;;) {
    const covered = boxes.find(
      (box) => x < box.right && x + width > box.left && top < box.bottom && top + height > box.top,
    );
    if (!covered) return { x, y: top };
    top = snap(covered.bottom + GRID * 4);
  }
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
