import type { GraphDocument } from '../../graphs/document/document.ts';
import { disconnect, removeNodes } from '../../graphs/edit/edit.ts';
import { removeMarks } from '../../graphs/edit/marks.ts';
import { removeAndRejoin } from '../../graphs/edit/rewire.ts';
import type { Editor } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import { pickMarks, pickWires } from '../state/selection.ts';
import { select } from '../state/view.ts';
import { selectedNodes } from './selected.ts';

/** Removes what is selected. `rejoin`: wires through removed nodes are joined again where the types fit. */
export function removeSelection(editor: Editor, { rejoin }: { readonly rejoin: boolean }): void {
  const { graph, view } = editor;
  const { cards } = graph.getState();
  const { selection } = view.getState();
  const nodes = selectedNodes(editor);
  const { notes, frames } = pickMarks(selection);
  editGraph(graph, (document) => {
    let next: GraphDocument = document;
    for (const { wire, node, name } of pickWires(selection))
      if (next.nodes[node]) next = disconnect(next, node, name, wire);
    next = rejoin ? removeAndRejoin(next, cards, nodes) : removeNodes(next, nodes);
    return removeMarks(removeMarks(next, 'notes', notes), 'frames', frames);
  });
  select(view, []);
}
