import { subgraphOf } from '../../graphs/document/levels.ts';
import type { Editor } from '../state/editor.ts';
import { lookInside } from '../state/graph.ts';
import { select, selectNodes } from '../state/view.ts';

/*
 * Going from one level of the graph to another.
 */

/** Shows a node, named by the path to it (see `wholeId`): selects it and, unless it is seen already, brings it to the middle. */
export function goToNode(editor: Editor, pathName: string): void {
  const path = pathName.split('/');
  const id = path.pop()!;
  editor.view.setState({ page: 'graph' });
  showLevel(editor, path);
  selectNodes(editor.view, [id]);
  requestAnimationFrame(() => requestAnimationFrame(() => editor.canvas?.reveal(id)));
}

/** Shows the level that a path of nodes leads to. */
export function showLevel({ graph, view }: Editor, path: readonly string[]): void {
  if (path.join('/') === graph.getState().path.join('/')) return;
  lookInside(graph, path);
  select(view, []);
}

/** Shows the inside of a node of this level, if it stands for a subgraph. */
export function goInside(editor: Editor, id: string): void {
  const { document, path } = editor.graph.getState();
  if (subgraphOf(document.nodes[id] ?? { type: '' }) !== undefined) showLevel(editor, [...path, id]);
}

/** Shows the level around this one, with the node that was left selected. */
export function goOutside(editor: Editor): void {
  const { path } = editor.graph.getState();
  showLevel(editor, path.slice(0, -1));
  selectNodes(editor.view, path.slice(-1));
}
