import type { GraphDocument, GraphNode } from '../../graphs/document/document.ts';
import { isBoundary, isReroute, subgraphOf, withLevel } from '../../graphs/document/levels.ts';
import { addMark, removeMarks } from '../../graphs/document/marks.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import {
  addNode,
  collapseNode,
  connect,
  disconnect,
  freshId,
  moveNodes,
  muteNode,
  removeNodes,
} from '../../graphs/edit/edit.ts';
import { fragmentOf } from '../../graphs/edit/fragment.ts';
import { reseed } from '../../graphs/edit/reseed.ts';
import { type Arrived, insertReroute, placesFor, removeAndRejoin } from '../../graphs/edit/rewire.ts';
import { dropUnused, makeSubgraph, ownSubgraph, unmakeSubgraph, usesOf } from '../../graphs/edit/subgraphs.ts';
import type { NodeCard } from '../../nodes/card.ts';
import { flowNodes, GRID, markOf, wireOfEdge } from '../canvas/flow.ts';
import { layOut } from '../canvas/layOut.ts';
import { newSeed } from '../controls/newSeed.ts';
import type { Editor } from '../state/editor.ts';
import { editGraph, editWhole, lookInside, redo, subgraphLookedAt, undo, wholeId } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { isOver } from '../state/run.ts';
import {
  attempt,
  engineOf,
  insert,
  newGraph,
  openFile,
  pasteText,
  pauseRun,
  run,
  save,
  saveAs,
  stopRun,
  unlessUnsaved,
} from '../state/session.ts';
import { type LooseEnd, type Point, select } from '../state/view.ts';

export type MenuName = keyof typeof messages.menus;
export type CommandName = keyof typeof messages.commands;

/** Something that the user can do. Menus, shortcuts, the palette of commands and the list of shortcuts read this table. */
export interface Command {
  readonly name: CommandName;
  readonly menu: MenuName;
  /** E.g. `Mod+Shift+Z`; Mod is Cmd on a Mac and Ctrl elsewhere. The first is shown. */
  readonly keys?: readonly string[];
  /** Its keys come as events of the clipboard. */
  readonly byClipboard?: boolean;
  /** Keys that also work while the user writes in a field. */
  readonly inFields?: boolean;
  /** A line is drawn above it in menus. */
  readonly begins?: boolean;
  enabled?(editor: Editor): boolean;
  checked?(editor: Editor): boolean;
  perform(editor: Editor): unknown;
}

export const commands: readonly Command[] = [
  {
    name: 'newGraph',
    menu: 'file',
    keys: ['Mod+Alt+N'],
    perform: (editor) => unlessUnsaved(editor, () => newGraph(editor)),
  },
  { name: 'open', menu: 'file', keys: ['Mod+O'], inFields: true, perform: openGraph },
  {
    name: 'templates',
    menu: 'file',
    keys: ['Mod+Shift+O'],
    perform: ({ view }) => view.setState({ side: 'templates' }),
  },
  { name: 'save', menu: 'file', keys: ['Mod+S'], inFields: true, begins: true, perform: save },
  { name: 'saveAs', menu: 'file', keys: ['Mod+Shift+S'], inFields: true, perform: saveAs },
  {
    name: 'settings',
    menu: 'file',
    keys: ['Mod+,'],
    inFields: true,
    begins: true,
    perform: ({ view }) => view.setState({ overlay: { kind: 'settings' } }),
  },

  {
    name: 'undo',
    menu: 'edit',
    keys: ['Mod+Z'],
    enabled: ({ graph }) => graph.getState().past.length > 0,
    perform: ({ graph }) => undo(graph),
  },
  {
    name: 'redo',
    menu: 'edit',
    keys: ['Mod+Shift+Z', 'Mod+Y'],
    enabled: ({ graph }) => graph.getState().future.length > 0,
    perform: ({ graph }) => redo(graph),
  },
  { name: 'cut', menu: 'edit', keys: ['Mod+X'], byClipboard: true, begins: true, enabled: hasParts, perform: cut },
  { name: 'copy', menu: 'edit', keys: ['Mod+C'], byClipboard: true, enabled: hasParts, perform: copy },
  { name: 'paste', menu: 'edit', keys: ['Mod+V'], byClipboard: true, perform: paste },
  { name: 'duplicate', menu: 'edit', keys: ['Mod+D'], enabled: hasParts, perform: duplicate },
  {
    name: 'remove',
    menu: 'edit',
    keys: ['Delete', 'Backspace'],
    enabled: hasSelection,
    perform: (editor) => remove(editor, true),
  },
  {
    name: 'removeOnly',
    menu: 'edit',
    keys: ['Shift+Delete'],
    enabled: hasSelection,
    perform: (editor) => remove(editor, false),
  },
  { name: 'selectAll', menu: 'edit', keys: ['Mod+A'], begins: true, perform: selectAll },
  {
    name: 'selectNone',
    menu: 'edit',
    keys: ['Escape'],
    enabled: hasSelection,
    perform: ({ view }) => select(view, []),
  },
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
    enabled: (editor) => selectedWires(editor).length > 0,
    perform: rerouteSelection,
  },
  {
    name: 'rename',
    menu: 'edit',
    keys: ['F2'],
    enabled: (editor) => onlySelected(editor) !== undefined,
    perform: (editor) => editor.view.setState({ naming: onlySelected(editor) }),
  },
  {
    name: 'mute',
    menu: 'edit',
    keys: ['M'],
    enabled: hasNodes,
    perform: (editor) => toggle(editor, 'muted', muteNode),
  },
  {
    name: 'collapse',
    menu: 'edit',
    keys: ['C'],
    enabled: hasNodes,
    perform: (editor) => toggle(editor, 'collapsed', collapseNode),
  },

  { name: 'makeSubgraph', menu: 'arrange', keys: ['Mod+Shift+G'], enabled: hasNodes, perform: group },
  { name: 'goInside', menu: 'arrange', keys: ['Enter'], enabled: hasSubgraph, perform: goIntoSelection },
  {
    name: 'goOutside',
    menu: 'arrange',
    keys: ['Shift+Enter'],
    enabled: ({ graph }) => graph.getState().path.length > 0,
    perform: goOutside,
  },
  { name: 'unmakeSubgraph', menu: 'arrange', keys: ['Mod+Alt+G'], enabled: hasSubgraph, perform: ungroup },
  { name: 'ownSubgraph', menu: 'arrange', enabled: isShared, perform: unshare },

  { name: 'layout', menu: 'arrange', begins: true, keys: ['L'], perform: arrange },
  { name: 'alignLeft', menu: 'arrange', keys: ['Shift+L'], enabled: hasSeveral, perform: (editor) => align(editor, 0) },
  { name: 'alignTop', menu: 'arrange', keys: ['Shift+T'], enabled: hasSeveral, perform: (editor) => align(editor, 1) },
  { name: 'distribute', menu: 'arrange', keys: ['Shift+D'], enabled: hasSeveral, perform: distribute },
  {
    name: 'snap',
    menu: 'arrange',
    begins: true,
    checked: ({ view }) => view.getState().snap,
    perform: ({ view }) => view.setState(({ snap }) => ({ snap: !snap })),
  },

  {
    name: 'findNode',
    menu: 'view',
    keys: ['Mod+F'],
    perform: ({ view }) => view.setState({ overlay: { kind: 'findNode' } }),
  },
  { name: 'fit', menu: 'view', begins: true, keys: ['1', 'Home'], perform: ({ canvas }) => canvas?.fit() },
  {
    name: 'fitSelection',
    menu: 'view',
    keys: ['2'],
    enabled: hasSelection,
    perform: ({ canvas, view }) => canvas?.fit([...view.getState().selection].filter((id) => !wireOfEdge(id))),
  },
  { name: 'zoomIn', menu: 'view', keys: ['+', '='], perform: ({ canvas }) => canvas?.zoom(1.25) },
  { name: 'zoomOut', menu: 'view', keys: ['-'], perform: ({ canvas }) => canvas?.zoom(0.8) },
  {
    name: 'minimap',
    menu: 'view',
    begins: true,
    checked: ({ view }) => view.getState().minimap,
    perform: ({ view }) => view.setState(({ minimap }) => ({ minimap: !minimap })),
  },
  {
    name: 'inspector',
    menu: 'view',
    keys: ['I'],
    checked: ({ view }) => view.getState().inspector,
    perform: ({ view }) => view.setState(({ inspector }) => ({ inspector: !inspector })),
  },
  {
    name: 'problems',
    menu: 'view',
    keys: ['P'],
    checked: ({ view }) => view.getState().problems,
    perform: ({ view }) => view.setState(({ problems }) => ({ problems: !problems })),
  },
  { name: 'models', menu: 'view', perform: ({ view }) => view.setState({ side: 'models' }) },
  {
    name: 'showGraph',
    menu: 'view',
    keys: ['Alt+1'],
    inFields: true,
    begins: true,
    perform: ({ view }) => view.setState({ page: 'graph' }),
  },
  {
    name: 'showRuns',
    menu: 'view',
    keys: ['Alt+2'],
    inFields: true,
    perform: ({ view }) => view.setState({ page: 'runs' }),
  },

  { name: 'run', menu: 'run', keys: ['Mod+Enter'], inFields: true, perform: (editor) => run(editor) },
  { name: 'runOtherSeeds', menu: 'run', keys: ['Mod+Alt+Enter'], inFields: true, perform: runOtherSeeds },
  {
    name: 'runToHere',
    menu: 'run',
    keys: ['Mod+Shift+Enter'],
    inFields: true,
    enabled: hasNodes,
    perform: runSelection,
  },
  {
    name: 'stop',
    menu: 'run',
    keys: ['Mod+.'],
    inFields: true,
    enabled: (editor) => liveRun(editor) !== undefined,
    perform: stop,
  },
  {
    name: 'pause',
    menu: 'run',
    keys: ['Mod+Shift+.'],
    inFields: true,
    enabled: (editor) => (liveRun(editor)?.state ?? 'waiting') !== 'waiting',
    perform: pause,
  },
  { name: 'freeMemory', menu: 'run', begins: true, perform: (editor) => engineOf(editor).clearCache() },
  { name: 'restartEngine', menu: 'run', perform: ({ desktop }) => desktop.restartEngine() },

  {
    name: 'commands',
    menu: 'help',
    keys: ['Mod+K'],
    inFields: true,
    perform: ({ view }) => view.setState({ overlay: { kind: 'commands' } }),
  },
  {
    name: 'shortcuts',
    menu: 'help',
    keys: ['?'],
    perform: ({ view }) => view.setState({ overlay: { kind: 'shortcuts' } }),
  },
  { name: 'about', menu: 'help', perform: ({ view }) => view.setState({ overlay: { kind: 'about' } }) },
];

export function commandOf(name: string): Command | undefined {
  return commands.find((command) => command.name === name);
}

/** Does what a command says, if it can be done now; what goes wrong is shown. */
export function perform(editor: Editor, command: Command): void {
  if (command.enabled?.(editor) === false) return;
  void attempt(editor, () => command.perform(editor));
}

/** The command of a key that was pressed, or undefined. `inField`: the user writes in a field. */
export function commandForKey(event: KeyPress, inField: boolean, isMac: boolean): Command | undefined {
  return commands.find(
    ({ keys, inFields, byClipboard }) =>
      (!inField || inFields) && !byClipboard && keys?.some((key) => isPressed(key, event, isMac)),
  );
}

export type KeyPress = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

function isPressed(keys: string, event: KeyPress, isMac: boolean): boolean {
  const parts = keys.split('+').filter((part) => part !== '');
  const key = keys.endsWith('+') ? '+' : (parts.pop() as string);
  const [mod, shift, alt] = ['Mod', 'Shift', 'Alt'].map((name) => parts.includes(name));
  const other = isMac ? event.ctrlKey : event.metaKey;
  const isModRight = (isMac ? event.metaKey : event.ctrlKey) === mod && !other && event.altKey === alt;
  if (!isModRight || event.key.toLowerCase() !== key.toLowerCase()) return false;
  return event.shiftKey === shift || (key.length === 1 && !/[a-z0-9.,]/i.test(key)); // Shift is part of writing a sign
}

/** How people read keys: `Ctrl+Shift+Z`, on a Mac `⇧⌘Z`. */
export function keysText(keys: string, isMac: boolean): string {
  if (!isMac) return keys.replace('Mod', 'Ctrl');
  return keys
    .split('+')
    .map((part) => ({ Mod: '⌘', Shift: '⇧', Alt: '⌥', Enter: '↩' })[part] ?? part)
    .join('');
}

/** Adds a node, wired to a loose end where there is one, and selects it. */
export function addNodeAt(editor: Editor, card: NodeCard, at: Point, from?: LooseEnd): void {
  const { cards, document } = editor.graph.getState();
  const id = freshId(document, card.type);
  const position = [snapped(at.x), snapped(at.y - 20)] as const;
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
    const { x, y } = freePlace(editor, { x: position[0] - 280, y: position[1] });
    const moved = moveNodes(added, { [id]: [x, y] });
    return connect(moved, cards, [id, output], from.node, from.name);
  });
  select(editor.view, [id]);
  if (from?.side === 'target') reveal(editor, id);
}

/** Adds a node in the middle of what is seen, or below where others lie there. */
export function addNodeInMiddle(editor: Editor, card: NodeCard): void {
  addNodeAt(editor, card, freePlace(editor, editor.canvas?.centre() ?? { x: 0, y: 0 }));
  for (const id of selectedNodes(editor)) reveal(editor, id);
}

function reveal({ graph, canvas }: Editor, id: string): void {
  const [x, y] = graph.getState().document.nodes[id]?.position ?? [0, 0];
  canvas?.reveal({ x: x + 128, y: y + 80 });
}

/** The place itself where a new node covers no other there, else the next one below. */
function freePlace(editor: Editor, { x, y }: Point): Point {
  const boxes = Object.keys(editor.graph.getState().document.nodes).map((id) => boundsOf(editor, [id]));
  let top = y;
  for (;;) {
    const covered = boxes.find((box) => x < box.right && x + 256 > box.left && top < box.bottom && top + 160 > box.top);
    if (!covered) return { x, y: top };
    top = snapped(covered.bottom + GRID * 4);
  }
}

/** Looks at a node, named by the way to it (see `wholeId`): selects it and brings it to the middle. */
export function goTo(editor: Editor, called: string): void {
  const path = called.split('/');
  const id = path.pop() as string;
  editor.view.setState({ page: 'graph' });
  goInside(editor, path);
  select(editor.view, [id]);
  requestAnimationFrame(() => requestAnimationFrame(() => editor.canvas?.fit([id])));
}

/** Shows the level that a path of nodes leads to. */
export function goInside({ graph, view }: Editor, path: readonly string[]): void {
  if (path.join('/') === graph.getState().path.join('/')) return;
  lookInside(graph, path);
  select(view, []);
}

/** Shows the inside of a node of this level, if it stands for a subgraph. */
export function goInto(editor: Editor, id: string): void {
  const { document, path } = editor.graph.getState();
  if (subgraphOf(document.nodes[id] ?? { type: '' }) !== undefined) goInside(editor, [...path, id]);
}

function goIntoSelection(editor: Editor): void {
  const [id] = selectedSubgraphs(editor);
  if (id !== undefined) goInto(editor, id);
}

function goOutside(editor: Editor): void {
  const { path } = editor.graph.getState();
  goInside(editor, path.slice(0, -1));
  select(editor.view, path.slice(-1));
}

function selectedSubgraphs(editor: Editor): string[] {
  const { nodes } = editor.graph.getState().document;
  return selectedNodes(editor).filter((id) => subgraphOf(nodes[id] as GraphNode) !== undefined);
}

function hasSubgraph(editor: Editor): boolean {
  return selectedSubgraphs(editor).length === 1;
}

function isShared(editor: Editor): boolean {
  const { whole, document } = editor.graph.getState();
  const [id] = selectedSubgraphs(editor);
  const name = id === undefined ? undefined : subgraphOf(document.nodes[id] as GraphNode);
  return hasSubgraph(editor) && name !== undefined && usesOf(whole, name) > 1;
}

/** Puts the selected nodes into a subgraph. */
function group(editor: Editor): void {
  const { document, cards } = editor.graph.getState();
  const made = makeSubgraph(document, cards, selectedNodes(editor), messages.canvas.newSubgraph);
  editGraph(editor.graph, () => made.document);
  select(editor.view, [made.id]);
  const name = () => editor.view.setState({ naming: made.id });
  requestAnimationFrame(() => requestAnimationFrame(name)); // what is not measured yet is hidden, and takes no focus
}

/** Puts the nodes of the selected subgraph in its place. */
function ungroup(editor: Editor): void {
  const { graph, view } = editor;
  const state = graph.getState();
  const [id] = selectedSubgraphs(editor);
  const name = id === undefined ? undefined : subgraphOf(state.document.nodes[id] as GraphNode);
  if (id === undefined || name === undefined) return;
  const unmade = unmakeSubgraph(state.document, id);
  editWhole(graph, (whole) => dropUnused(withLevel(whole, subgraphLookedAt(state), unmade.document), name));
  select(view, unmade.ids);
}

/** Gives the selected subgraph a definition of its own, so that changes inside concern it alone. */
function unshare(editor: Editor): void {
  const level = subgraphLookedAt(editor.graph.getState());
  const [id] = selectedSubgraphs(editor);
  if (id !== undefined) editWhole(editor.graph, (whole) => ownSubgraph(whole, level, id));
}

function selectedWires({ view }: Editor): Arrived[] {
  return [...view.getState().selection].flatMap((id) => wireOfEdge(id) ?? []);
}

/** Puts a dot into a wire, its middle at a place, and selects it. */
export function addReroute({ graph, view }: Editor, arrived: Arrived, { x, y }: Point): void {
  const { document, cards } = graph.getState();
  const inserted = insertReroute(document, cards, arrived, [snapped(x - GRID), snapped(y - GRID)]);
  if (inserted.id === undefined) return;
  editGraph(graph, () => inserted.document);
  select(view, [inserted.id]);
}

function rerouteSelection(editor: Editor): void {
  const { nodes } = editor.graph.getState().document;
  for (const arrived of selectedWires(editor)) {
    const ends = [arrived.wire[0], arrived.node].map((id) => nodes[id]?.position ?? [0, 0]);
    const [from, to] = ends as [readonly [number, number], readonly [number, number]];
    const left = from[0] + (editor.canvas?.sizeOf(arrived.wire[0]).width ?? 256);
    addReroute(editor, arrived, { x: (left + to[0]) / 2, y: (from[1] + to[1]) / 2 });
  }
}

/** Runs to the selected nodes. Reroutes and ports do nothing of their own. */
function runSelection(editor: Editor): Promise<void> | undefined {
  const state = editor.graph.getState();
  const targets = selectedNodes(editor).filter((id) => {
    const node = state.document.nodes[id] as GraphNode;
    return !isReroute(node) && !isBoundary(node);
  });
  return targets.length > 0
    ? run(
        editor,
        targets.map((id) => wholeId(state, id)),
      )
    : undefined;
}

async function openGraph(editor: Editor): Promise<void> {
  if (!editor.view.getState().about?.dialogs) {
    editor.view.setState({ side: 'files' });
    return;
  }
  const file = await editor.desktop.openGraph();
  if (file) unlessUnsaved(editor, () => void attempt(editor, () => openFile(editor, file)));
}

export function hasSelection({ view }: Editor): boolean {
  return view.getState().selection.size > 0;
}

/** Whether something is selected that can be copied: a wire alone cannot. */
function hasParts(editor: Editor): boolean {
  return [...editor.view.getState().selection].some((id) => !wireOfEdge(id));
}

function selectedNodes({ view, graph }: Editor): string[] {
  const { nodes } = graph.getState().document;
  return [...view.getState().selection].filter((id) => Object.hasOwn(nodes, id));
}

function hasNodes(editor: Editor): boolean {
  return selectedNodes(editor).length > 0;
}

function hasSeveral(editor: Editor): boolean {
  return selectedNodes(editor).length > 1;
}

function onlySelected({ view }: Editor): string | undefined {
  const [id, ...others] = [...view.getState().selection].filter((id) => !wireOfEdge(id));
  return others.length === 0 ? id : undefined;
}

function selectedMarks({ view }: Editor): { notes: number[]; frames: number[] } {
  const marks = [...view.getState().selection].flatMap((id) => markOf(id) ?? []);
  const places = (kind: string) => marks.filter((mark) => mark.kind === kind).map(({ place }) => place);
  return { notes: places('notes'), frames: places('frames') };
}

function selectedText(editor: Editor): string {
  return writeGraph(fragmentOf(editor.graph.getState().document, selectedNodes(editor), selectedMarks(editor)));
}

/** What was copied last here, for browsers that do not let a page read the clipboard. */
let copied = '';

/** The selection as the text of a graph: what the clipboard takes. */
export function copiedText(editor: Editor): string | undefined {
  if (!hasParts(editor)) return undefined;
  copied = selectedText(editor);
  return copied;
}

async function copy(editor: Editor): Promise<void> {
  const text = copiedText(editor);
  if (text) await navigator.clipboard?.writeText(text).catch(() => undefined);
}

async function cut(editor: Editor): Promise<void> {
  await copy(editor);
  remove(editor, true);
}

async function paste(editor: Editor): Promise<void> {
  const text = await navigator.clipboard?.readText().catch(() => copied);
  if (text || copied) await pasteText(editor, text || copied, editor.canvas?.pointer());
}

function duplicate(editor: Editor): void {
  const fragment = fragmentOf(editor.graph.getState().document, selectedNodes(editor), selectedMarks(editor));
  insert(editor, fragment, [GRID * 4, GRID * 4]);
}

/** Removes what is selected; wires through removed nodes are joined again where the types fit, if `rejoin`. */
export function remove(editor: Editor, rejoin: boolean): void {
  const { graph, view } = editor;
  const { cards } = graph.getState();
  const [nodes, { notes, frames }] = [selectedNodes(editor), selectedMarks(editor)];
  const wires = selectedWires(editor);
  editGraph(graph, (document) => {
    let next: GraphDocument = document;
    for (const { wire, node, name } of wires) if (next.nodes[node]) next = disconnect(next, node, name, wire);
    next = rejoin ? removeAndRejoin(next, cards, nodes) : removeNodes(next, nodes);
    return removeMarks(removeMarks(next, 'notes', notes), 'frames', frames);
  });
  select(view, []);
}

function selectAll({ graph, view }: Editor): void {
  select(
    view,
    flowNodes(graph.getState().document, graph.getState().cards, new Set(), []).map(({ id }) => id),
  );
}

/** Offers the wires that the selected node can have. */
function searchWire(editor: Editor): void {
  const [node] = selectedNodes(editor);
  const [x, y] = (node && editor.graph.getState().document.nodes[node]?.position) || [0, 0];
  if (node !== undefined)
    editor.view.setState({ overlay: { kind: 'connect', node, screen: editor.canvas?.screenOf({ x, y }) ?? { x, y } } });
}

function searchNode({ canvas, view }: Editor): void {
  const at = canvas?.pointer() ?? { x: 0, y: 0 };
  view.setState({ overlay: { kind: 'addNode', at, screen: canvas?.screenOf(at) ?? { x: 0, y: 0 } } });
}

function addNote({ graph, view, canvas }: Editor): void {
  const { x, y } = canvas?.pointer() ?? { x: 0, y: 0 };
  const place = graph.getState().document.notes?.length ?? 0;
  const note = { text: messages.canvas.newNote, position: [snapped(x), snapped(y)], size: [240, 96] } as const;
  editGraph(graph, (document) => addMark(document, 'notes', note));
  select(view, [`notes:${place}`]);
  view.setState({ naming: `notes:${place}` });
}

function frameSelection(editor: Editor): void {
  const { graph, view } = editor;
  const { left, top, right, bottom } = boundsOf(editor, selectedNodes(editor));
  if (!Number.isFinite(left)) return;
  const pad = GRID * 3;
  const place = graph.getState().document.frames?.length ?? 0;
  const position = [left - pad, top - pad - GRID * 4] as const;
  const size = [right - left + 2 * pad, bottom - top + 2 * pad + GRID * 4] as const;
  editGraph(graph, (document) => addMark(document, 'frames', { title: messages.canvas.newFrame, position, size }));
  select(view, [`frames:${place}`]);
  view.setState({ naming: `frames:${place}` });
}

function boundsOf({ graph, canvas }: Editor, ids: readonly string[]) {
  const boxes = ids.map((id) => {
    const [x, y] = graph.getState().document.nodes[id]?.position ?? [0, 0];
    const { width, height } = canvas?.sizeOf(id) ?? { width: 256, height: 160 };
    return { left: x, top: y, right: x + width, bottom: y + height };
  });
  return {
    left: Math.min(...boxes.map(({ left }) => left)),
    top: Math.min(...boxes.map(({ top }) => top)),
    right: Math.max(...boxes.map(({ right }) => right)),
    bottom: Math.max(...boxes.map(({ bottom }) => bottom)),
  };
}

function toggle(
  editor: Editor,
  field: 'muted' | 'collapsed',
  edit: (document: GraphDocument, id: string, on: boolean) => GraphDocument,
): void {
  const ids = selectedNodes(editor);
  editGraph(editor.graph, (document) => {
    const on = ids.some((id) => !document.nodes[id]?.[field]);
    return ids.reduce((next, id) => edit(next, id, on), document);
  });
}

/** Brings the selected nodes to the least x (axis 0) or y (axis 1) of them. */
function align(editor: Editor, axis: 0 | 1): void {
  const ids = selectedNodes(editor);
  editGraph(editor.graph, (document) => {
    const least = Math.min(...ids.map((id) => document.nodes[id]?.position[axis] ?? 0));
    const aligned = ids.map((id): [string, [number, number]] => {
      const [x, y] = document.nodes[id]?.position ?? [0, 0];
      return [id, axis === 0 ? [least, y] : [x, least]];
    });
    return moveNodes(document, Object.fromEntries(aligned));
  });
}

/** Puts the selected nodes in a row from left to right with equal gaps. */
function distribute(editor: Editor): void {
  const { document } = editor.graph.getState();
  const ids = selectedNodes(editor).sort(
    (a, b) => (document.nodes[a]?.position[0] ?? 0) - (document.nodes[b]?.position[0] ?? 0),
  );
  let x = document.nodes[ids[0] ?? '']?.position[0] ?? 0;
  const positions: Record<string, [number, number]> = {};
  for (const id of ids) {
    positions[id] = [x, document.nodes[id]?.position[1] ?? 0];
    x = snapped(x + (editor.canvas?.sizeOf(id).width ?? 256) + GRID * 6);
  }
  editGraph(editor.graph, (before) => moveNodes(before, positions));
}

async function arrange(editor: Editor): Promise<void> {
  const { document, cards } = editor.graph.getState();
  const ids = hasSeveral(editor) ? selectedNodes(editor) : Object.keys(document.nodes);
  const positions = await layOut(
    document,
    cards,
    ids,
    (id) => editor.canvas?.sizeOf(id) ?? { width: 256, height: 160 },
  );
  editGraph(editor.graph, (before) => moveNodes(before, positions));
  requestAnimationFrame(() => editor.canvas?.fit());
}

/** Draws every seed of the graph anew and runs it: more images of the same. */
async function runOtherSeeds(editor: Editor): Promise<void> {
  editWhole(editor.graph, (whole) => reseed(whole, editor.graph.getState().library, newSeed));
  await run(editor);
}

/** The run that goes on, or the one that waits longest. */
export function liveRun({ runs }: Editor) {
  return runs.getState().runs.find((run) => !isOver(run));
}

async function stop(editor: Editor): Promise<void> {
  const live = liveRun(editor);
  if (live) await stopRun(editor, live.id);
}

async function pause(editor: Editor): Promise<void> {
  const live = liveRun(editor);
  if (live) await pauseRun(editor, live);
}

function snapped(length: number): number {
  return Math.round(length / GRID) * GRID;
}
