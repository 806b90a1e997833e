import { moveNodes } from '../../graphs/edit/edit.ts';
import { GRID, snap } from '../level/grid.ts';
import { layOut } from '../level/layOut.ts';
import type { Editor } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import type { Command } from './command.ts';
import { hasSeveralNodes, selectedNodes, sizeNode } from './selected.ts';
import { subgraphCommands } from './subgraphs.ts';

export const arrangeCommands: readonly Command[] = [
  ...subgraphCommands,
  { name: 'layout', menu: 'arrange', begins: true, keys: ['L'], perform: arrange },
  {
    name: 'alignLeft',
    menu: 'arrange',
    keys: ['Shift+L'],
    enabled: hasSeveralNodes,
    perform: (editor) => align(editor, 'x'),
  },
  {
    name: 'alignTop',
    menu: 'arrange',
    keys: ['Shift+T'],
    enabled: hasSeveralNodes,
    perform: (editor) => align(editor, 'y'),
  },
  { name: 'distribute', menu: 'arrange', keys: ['Shift+D'], enabled: hasSeveralNodes, perform: distribute },
  {
    name: 'snap',
    menu: 'arrange',
    begins: true,
    checked: ({ view }) => view.getState().snap,
    perform: ({ view }) => view.setState(({ snap }) => ({ snap: !snap })),
  },
];

/** Lays out the selected nodes where there are several, else all of them. */
async function arrange(editor: Editor): Promise<void> {
  const { document, cards } = editor.graph.getState();
  const ids = hasSeveralNodes(editor) ? selectedNodes(editor) : Object.keys(document.nodes);
  const positions = await layOut(document, cards, ids, (id) => sizeNode(editor, id));
  editGraph(editor.graph, (before) => moveNodes(before, positions));
}

/** Brings the selected nodes to the least x or y of them. */
function align(editor: Editor, axis: 'x' | 'y'): void {
  const ids = selectedNodes(editor);
  editGraph(editor.graph, (document) => {
    const positions = ids.map((id) => document.nodes[id]!.position);
    const [left, top] = [Math.min(...positions.map(([x]) => x)), Math.min(...positions.map(([, y]) => y))];
    const aligned = ids.map((id, i): [string, readonly [number, number]] => {
      const [x, y] = positions[i]!;
      return [id, axis === 'x' ? [left, y] : [x, top]];
    });
    return moveNodes(document, Object.fromEntries(aligned));
  });
}

/** Puts the selected nodes in a row from left to right with equal gaps. */
function distribute(editor: Editor): void {
  const { nodes } = editor.graph.getState().document;
  const ids = selectedNodes(editor).sort((a, b) => nodes[a]!.position[0] - nodes[b]!.position[0]);
  let x = nodes[ids[0] ?? '']?.position[0] ?? 0;
  const positions: Record<string, readonly [number, number]> = {};
  for (const id of ids) {
    positions[id] = [x, nodes[id]!.position[1]];
    x = snap(x + sizeNode(editor, id).width + GRID * 6);
  }
  editGraph(editor.graph, (before) => moveNodes(before, positions));
}
