import type { Editor } from '../state/editor.ts';
import { closeGraph, newGraph, openFile, save, saveAs } from '../state/files.ts';
import { stepTab } from '../state/tabs.ts';
import type { Command } from './command.ts';

export const fileCommands: readonly Command[] = [
  {
    name: 'newGraph',
    menu: 'file',
    keys: ['Mod+Alt+N'],
    perform: newGraph,
  },
  { name: 'open', menu: 'file', keys: ['Mod+O'], inFields: true, perform: openGraph },
  {
    name: 'templates',
    menu: 'file',
    keys: ['Mod+Shift+O'],
    perform: ({ view }) => view.setState({ side: 'templates' }),
  },
  { name: 'closeGraph', menu: 'file', keys: ['Alt+W'], inFields: true, perform: (editor) => closeGraph(editor) },
  {
    name: 'nextTab',
    menu: 'file',
    keys: ['Alt+PageDown'],
    inFields: true,
    enabled: hasTabs,
    perform: (editor) => stepTab(editor, 1),
  },
  {
    name: 'previousTab',
    menu: 'file',
    keys: ['Alt+PageUp'],
    inFields: true,
    enabled: hasTabs,
    perform: (editor) => stepTab(editor, -1),
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
];

/** Asks for a file where the shell has dialogs, and shows the list of files elsewhere. */
async function openGraph(editor: Editor): Promise<void> {
  if (!editor.view.getState().about?.dialogs) {
    editor.view.setState({ side: 'files' });
    return;
  }
  const file = await editor.desktop.openGraph();
  if (file) await openFile(editor, file);
}

function hasTabs({ tabs }: Editor): boolean {
  return tabs.getState().order.length > 1;
}
