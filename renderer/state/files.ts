import type { GraphFile } from '../../electron/host/ipc.ts';
import { emptyDocument, type GraphDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import type { Editor } from './editor.ts';
import { requireEngine } from './engine.ts';
import { messages } from './messages.ts';
import { closeTab, findTab, goToTab, markTabSaved, openTab } from './tabs.ts';
import { notify } from './view.ts';

/*
 * Opening and saving graphs.
 */

/** Opens a graph in a tab, or goes to the tab where its file is open. Throws UserError where the text is no graph. */
export async function openFile(editor: Editor, file: GraphFile, draft?: string): Promise<void> {
  const open = file.location === undefined ? undefined : findTab(editor, file.location);
  if (open !== undefined) {
    goToTab(editor, open);
    editor.view.setState({ page: 'graph', overlay: undefined });
    return;
  }
  const { document } = await requireEngine(editor).openGraph(file.text);
  const place = { name: file.name, location: file.location, draft: draft ?? crypto.randomUUID() };
  openTab(editor, document, { ...place, unsaved: draft !== undefined });
}

/** Begins an empty graph in a tab. */
export function newGraph(editor: Editor): void {
  const place = { name: messages.files.untitled, draft: crypto.randomUUID() };
  openTab(editor, emptyDocument(messages.files.untitled), place);
}

/** Closes the tab of a graph; after the last one an empty graph begins. */
export function closeGraph(editor: Editor, draft = editor.graph.getState().draft): void {
  closeTab(editor, draft, () => newGraph(editor));
}

/** Saves to the file of the graph, or asks for one; false if the user closed the dialog. */
export async function save(editor: Editor): Promise<boolean> {
  const { whole, location, name, draft } = editor.graph.getState();
  if (location === undefined) return saveAs(editor);
  await editor.desktop.saveGraph(location, writeGraph(whole));
  await saved(editor, draft, whole, { name, location });
  return true;
}

/** Saves to the file of the graph without saying so: the user wants all changes saved. */
export async function saveQuietly(editor: Editor): Promise<void> {
  const { whole, location, name, draft } = editor.graph.getState();
  if (location === undefined) return;
  await editor.desktop.saveGraph(location, writeGraph(whole));
  markTabSaved(editor, draft, whole, { name, location });
  await editor.desktop.removeDraft(draft);
}

/** Saves under a name that the user gives; false if the dialog is still open or was closed. */
export async function saveAs(editor: Editor): Promise<boolean> {
  if (!editor.view.getState().about?.dialogs) {
    editor.view.setState({ overlay: { kind: 'saveAs' } });
    return false;
  }
  return saveUnder(editor, editor.graph.getState().name);
}

/** Saves under a name; throws UserError `EXISTS` where there is a file of that name and `replace` is not given. */
export async function saveUnder(editor: Editor, name: string, replace = false): Promise<boolean> {
  const { whole, draft } = editor.graph.getState();
  const place = await editor.desktop.saveGraphAs(name, writeGraph(whole), replace);
  if (!place) return false;
  await saved(editor, draft, whole, place);
  return true;
}

async function saved(
  editor: Editor,
  draft: string,
  whole: GraphDocument,
  place: { name: string; location: string },
): Promise<void> {
  markTabSaved(editor, draft, whole, place);
  await editor.desktop.removeDraft(draft);
  notify(editor.view, { kind: 'note', text: messages.files.saved(place.name) });
}
