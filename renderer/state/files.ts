import type { GraphFile } from '../../electron/host/ipc.ts';
import { emptyDocument, type GraphDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { requireEngine } from './engine.ts';
import { type DocumentPlace, isUnsaved, markSaved, openDocument } from './graph.ts';
import { messages } from './messages.ts';
import { clearNotices, notify, select } from './view.ts';

/*
 * Opening and saving graphs.
 */

/** Opens a graph in place of the one that is open. Throws UserError where the text is no graph. */
export async function openFile(editor: Editor, file: GraphFile, draft?: string): Promise<void> {
  const engine = requireEngine(editor);
  const { document } = await engine.openGraph(file.text);
  const place = { name: file.name, location: file.location, draft: draft ?? crypto.randomUUID() };
  show(editor, document, { ...place, unsaved: draft !== undefined });
}

/** Begins an empty graph in place of the one that is open. */
export function newGraph(editor: Editor): void {
  const place = { name: messages.files.untitled, draft: crypto.randomUUID() };
  show(editor, emptyDocument(messages.files.untitled), place);
}

/** Puts another graph on the canvas, without the results that runs of the previous one left at nodes of the same names. */
function show(editor: Editor, document: GraphDocument, place: DocumentPlace): void {
  openDocument(editor.graph, document, place);
  editor.runs.setState({ shown: undefined, results: {} });
  select(editor.view, []);
  editor.view.setState({ page: 'graph', overlay: undefined });
  clearNotices(editor.view);
}

/** Attempts an action at once if no work would be lost; otherwise asks first. */
export function unlessUnsaved(editor: Editor, action: () => unknown): void {
  const proceed = () => void attempt(editor, action);
  if (isUnsaved(editor.graph.getState())) editor.view.setState({ overlay: { kind: 'discard', proceed } });
  else proceed();
}

/** Saves to the file of the graph, or asks for one; false if the user closed the dialog. */
export async function save(editor: Editor): Promise<boolean> {
  const { whole, location, name } = editor.graph.getState();
  if (location === undefined) return saveAs(editor);
  await editor.desktop.saveGraph(location, writeGraph(whole));
  await saved(editor, whole, { name, location });
  return true;
}

/** Saves to the file of the graph without saying so: the user wants all changes saved. */
export async function saveQuietly(editor: Editor): Promise<void> {
  const { whole, location, name, draft } = editor.graph.getState();
  if (location === undefined) return;
  await editor.desktop.saveGraph(location, writeGraph(whole));
  markSaved(editor.graph, whole, { name, location });
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
  const { whole } = editor.graph.getState();
  const place = await editor.desktop.saveGraphAs(name, writeGraph(whole), replace);
  if (!place) return false;
  await saved(editor, whole, place);
  return true;
}

async function saved(editor: Editor, whole: GraphDocument, place: { name: string; location: string }): Promise<void> {
  const { draft } = editor.graph.getState();
  markSaved(editor.graph, whole, place);
  await editor.desktop.removeDraft(draft);
  notify(editor.view, { kind: 'note', text: messages.files.saved(place.name) });
}
