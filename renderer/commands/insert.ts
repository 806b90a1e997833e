import type { GraphDocument } from '../../graphs/document/document.ts';
import { insertFragment } from '../../graphs/edit/fragment.ts';
import { snap } from '../level/grid.ts';
import type { Editor } from '../state/editor.ts';
import { requireEngine } from '../state/engine.ts';
import { editGraph } from '../state/graph.ts';
import { nodeItems } from '../state/selection.ts';
import { type Point, select } from '../state/view.ts';
import { addPrompt } from './drop.ts';

/**
 * Adds what a text from the clipboard holds, its top left corner at a place of the canvas, and selects it: parts of a graph,
 * or a prompt.
 */
export async function pasteText(editor: Editor, text: string, at?: Point): Promise<void> {
  if (!/^\s*\{/.test(text)) {
    addPrompt(editor, text, at ?? { x: 0, y: 0 });
    return;
  }
  const { document: fragment } = await requireEngine(editor).openGraph(text);
  const items = [...Object.values(fragment.nodes), ...(fragment.notes ?? []), ...(fragment.frames ?? [])];
  if (items.length === 0) return;
  const left = Math.min(...items.map(({ position }) => position[0]));
  const top = Math.min(...items.map(({ position }) => position[1]));
  const to = at ?? { x: left + 32, y: top + 32 };
  insert(editor, fragment, [snap(to.x - left), snap(to.y - top)]);
}

/** Adds a fragment of a graph, moved by an offset in pixels, and selects it. */
export function insert(editor: Editor, fragment: GraphDocument, offset: readonly [number, number]): void {
  const inserted = insertFragment(editor.graph.getState().document, fragment, offset);
  editGraph(editor.graph, () => inserted.document);
  const notes = (fragment.notes ?? []).map((_, i) => ({ kind: 'note', place: inserted.notesFrom + i }) as const);
  const frames = (fragment.frames ?? []).map((_, i) => ({ kind: 'frame', place: inserted.framesFrom + i }) as const);
  select(editor.view, [...nodeItems(inserted.ids), ...notes, ...frames]);
}
