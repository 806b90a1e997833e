import type { Frame, GraphDocument, Note } from '../../graphs/document/document.ts';
import { collapseNode, muteNode } from '../../graphs/edit/edit.ts';
import { hasPlace } from '../level/marks.ts';
import type { Editor } from '../state/editor.ts';
import { editGraph, redo, undo } from '../state/graph.ts';
import { type MarkItem, nodeItems } from '../state/selection.ts';
import { select } from '../state/view.ts';
import { addCommands } from './add.ts';
import { clipboardCommands } from './clipboard.ts';
import type { Command } from './command.ts';
import { removeSelection } from './remove.ts';
import { hasNodes, hasSelection, onlySelected, selectedNodes } from './selected.ts';

export const editCommands: readonly Command[] = [
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
  ...clipboardCommands,
  {
    name: 'remove',
    menu: 'edit',
    keys: ['Delete', 'Backspace'],
    enabled: hasSelection,
    perform: (editor) => removeSelection(editor, { rejoin: true }),
  },
  {
    name: 'removeOnly',
    menu: 'edit',
    keys: ['Shift+Delete'],
    enabled: hasSelection,
    perform: (editor) => removeSelection(editor, { rejoin: false }),
  },
  { name: 'selectAll', menu: 'edit', keys: ['Mod+A'], begins: true, perform: selectAll },
  {
    name: 'selectNone',
    menu: 'edit',
    keys: ['Escape'],
    enabled: hasSelection,
    perform: ({ view }) => select(view, []),
  },
  ...addCommands,
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
];

/** Selects all that the canvas shows, except wires. */
function selectAll({ graph, view }: Editor): void {
  const { nodes, notes = [], frames = [] } = graph.getState().document;
  const drawn = (kind: MarkItem['kind'], marks: readonly (Note | Frame)[]) =>
    marks.flatMap((mark, place): MarkItem[] => (hasPlace(mark) ? [{ kind, place }] : []));
  select(view, [...drawn('frame', frames), ...nodeItems(Object.keys(nodes)), ...drawn('note', notes)]);
}

/** Sets a flag of the selected nodes, or takes it away where all have it. */
function toggle(
  editor: Editor,
  flag: 'muted' | 'collapsed',
  edit: (document: GraphDocument, id: string, on: boolean) => GraphDocument,
): void {
  const ids = selectedNodes(editor);
  editGraph(editor.graph, (document) => {
    const on = ids.some((id) => !document.nodes[id]?.[flag]);
    return ids.reduce((next, id) => edit(next, id, on), document);
  });
}
