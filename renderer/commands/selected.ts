import { subgraphOf } from '../../graphs/document/levels.ts';
import { USUAL_SIZE } from '../level/cardShape.ts';
import type { Editor } from '../state/editor.ts';
import { pickNodes } from '../state/selection.ts';
import type { Named } from '../state/view.ts';

/*
 * What is selected, as commands ask for it.
 */

export function hasSelection({ view }: Editor): boolean {
  return view.getState().selection.length > 0;
}

/** Whether something is selected that can be copied: a wire alone cannot. */
export function hasParts({ view }: Editor): boolean {
  return view.getState().selection.some(({ kind }) => kind !== 'wire');
}

/** The selected nodes that are in the document: an undo can take away what is selected. */
export function selectedNodes({ view, graph }: Editor): string[] {
  const { nodes } = graph.getState().document;
  return pickNodes(view.getState().selection).filter((id) => Object.hasOwn(nodes, id));
}

export function hasNodes(editor: Editor): boolean {
  return selectedNodes(editor).length > 0;
}

export function hasSeveralNodes(editor: Editor): boolean {
  return selectedNodes(editor).length > 1;
}

/** What is selected where that is one thing besides wires. */
export function onlySelected({ view }: Editor): Named | undefined {
  const [item, ...others] = view.getState().selection.flatMap((item) => (item.kind === 'wire' ? [] : [item]));
  return others.length === 0 ? item : undefined;
}

/** The selected node that stands for a subgraph, with the name of that; undefined unless it is the only one. */
export function selectedSubgraph(editor: Editor): { readonly id: string; readonly name: string } | undefined {
  const { nodes } = editor.graph.getState().document;
  const [found, ...others] = selectedNodes(editor).flatMap((id) => {
    const name = subgraphOf(nodes[id]!);
    return name === undefined ? [] : [{ id, name }];
  });
  return others.length === 0 ? found : undefined;
}

/** The size that a node has on the canvas. */
export function sizeNode({ canvas }: Editor, id: string): { readonly width: number; readonly height: number } {
  return canvas?.sizeOf(id) ?? USUAL_SIZE;
}

/** The rectangle around nodes, in pixels of the canvas. Infinite where there are none. */
export function boundNodes(editor: Editor, ids: readonly string[]) {
  const { nodes } = editor.graph.getState().document;
  const boxes = ids.map((id) => {
    const [x, y] = nodes[id]?.position ?? [0, 0];
    const { width, height } = sizeNode(editor, id);
    return { left: x, top: y, right: x + width, bottom: y + height };
  });
  return {
    left: Math.min(...boxes.map(({ left }) => left)),
    top: Math.min(...boxes.map(({ top }) => top)),
    right: Math.max(...boxes.map(({ right }) => right)),
    bottom: Math.max(...boxes.map(({ bottom }) => bottom)),
  };
}
