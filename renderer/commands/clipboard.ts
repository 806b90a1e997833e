import type { GraphDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { extractFragment } from '../../graphs/edit/fragment.ts';
import { GRID } from '../level/grid.ts';
import type { Editor } from '../state/editor.ts';
import { pickMarks } from '../state/selection.ts';
import type { Command } from './command.ts';
import { insert, pasteText } from './insert.ts';
import { removeSelection } from './remove.ts';
import { hasParts, selectedNodes } from './selected.ts';

export const clipboardCommands: readonly Command[] = [
  { name: 'cut', menu: 'edit', keys: ['Mod+X'], byClipboard: true, begins: true, enabled: hasParts, perform: cut },
  { name: 'copy', menu: 'edit', keys: ['Mod+C'], byClipboard: true, enabled: hasParts, perform: copy },
  { name: 'paste', menu: 'edit', keys: ['Mod+V'], byClipboard: true, perform: paste },
  {
    name: 'duplicate',
    menu: 'edit',
    keys: ['Mod+D'],
    enabled: hasParts,
    perform: (editor) => insert(editor, takeFragment(editor), [GRID * 4, GRID * 4]),
  },
];

/** What was copied last here, for browsers that do not let a page read the clipboard. */
let copied = '';

/** The selection as the text of a graph, for the clipboard; undefined where nothing is selected that can be copied. */
export function copySelection(editor: Editor): string | undefined {
  if (!hasParts(editor)) return undefined;
  copied = writeGraph(takeFragment(editor));
  return copied;
}

function takeFragment(editor: Editor): GraphDocument {
  const { document } = editor.graph.getState();
  return extractFragment(document, selectedNodes(editor), pickMarks(editor.view.getState().selection));
}

async function copy(editor: Editor): Promise<void> {
  const text = copySelection(editor);
  if (text) await navigator.clipboard?.writeText(text).catch(() => undefined);
}

async function cut(editor: Editor): Promise<void> {
  await copy(editor);
  removeSelection(editor, { rejoin: true });
}

async function paste(editor: Editor): Promise<void> {
  const text = await navigator.clipboard?.readText().catch(() => copied);
  if (text || copied) await pasteText(editor, text || copied, editor.canvas?.pointer());
}
