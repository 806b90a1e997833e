import { withLevel } from '../../graphs/document/levels.ts';
import { countUses, dropUnused, makeSubgraph, ownSubgraph, unmakeSubgraph } from '../../graphs/edit/subgraphs.ts';
import type { Editor } from '../state/editor.ts';
import { editGraph, editWhole, findCurrentSubgraph } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { selectNodes } from '../state/view.ts';
import type { Command } from './command.ts';
import { goInside, goOutside } from './levels.ts';
import { hasNodes, selectedNodes, selectedSubgraph } from './selected.ts';

export const subgraphCommands: readonly Command[] = [
  { name: 'makeSubgraph', menu: 'arrange', keys: ['Mod+Shift+G'], enabled: hasNodes, perform: group },
  {
    name: 'goInside',
    menu: 'arrange',
    keys: ['Enter'],
    enabled: hasSubgraph,
    perform(editor) {
      const subgraph = selectedSubgraph(editor);
      if (subgraph) goInside(editor, subgraph.id);
    },
  },
  {
    name: 'goOutside',
    menu: 'arrange',
    keys: ['Shift+Enter'],
    enabled: ({ graph }) => graph.getState().path.length > 0,
    perform: goOutside,
  },
  { name: 'unmakeSubgraph', menu: 'arrange', keys: ['Mod+Alt+G'], enabled: hasSubgraph, perform: ungroup },
  { name: 'ownSubgraph', menu: 'arrange', enabled: isShared, perform: unshare },
];

function hasSubgraph(editor: Editor): boolean {
  return selectedSubgraph(editor) !== undefined;
}

/** Whether other nodes stand for the same subgraph as the selected one. */
function isShared(editor: Editor): boolean {
  const subgraph = selectedSubgraph(editor);
  return subgraph !== undefined && countUses(editor.graph.getState().whole, subgraph.name) > 1;
}

/** Puts the selected nodes into a subgraph, to be named at once. */
function group(editor: Editor): void {
  const { document, cards } = editor.graph.getState();
  const made = makeSubgraph(document, cards, selectedNodes(editor), messages.canvas.newSubgraph);
  editGraph(editor.graph, () => made.document);
  selectNodes(editor.view, [made.id]);
  const name = () => editor.view.setState({ naming: { kind: 'node', id: made.id } });
  requestAnimationFrame(() => requestAnimationFrame(name)); // what is not measured yet is hidden, and takes no focus
}

/** Puts the nodes of the selected subgraph in its place. */
function ungroup(editor: Editor): void {
  const { graph, view } = editor;
  const state = graph.getState();
  const subgraph = selectedSubgraph(editor);
  if (!subgraph) return;
  const unmade = unmakeSubgraph(state.document, subgraph.id);
  editWhole(graph, (whole) => dropUnused(withLevel(whole, findCurrentSubgraph(state), unmade.document), subgraph.name));
  selectNodes(view, unmade.ids);
}

/** Gives the selected subgraph a definition of its own, so that changes inside concern it alone. */
function unshare(editor: Editor): void {
  const level = findCurrentSubgraph(editor.graph.getState());
  const subgraph = selectedSubgraph(editor);
  if (subgraph) editWhole(editor.graph, (whole) => ownSubgraph(whole, level, subgraph.id));
}
