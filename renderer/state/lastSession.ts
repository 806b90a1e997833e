import type { Json } from '../../graphs/document/document.ts';
import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { openFile } from './files.ts';
import { type GraphState, isUnsaved } from './graph.ts';
import { goToTab, stateOf } from './tabs.ts';

/*
 * The graphs that were open when the window closed open again with the next one.
 */

/** An open graph as it is written down: its draft where it has changes, else its file. Others are not taken up again. */
type OpenGraph = { readonly draft: string } | { readonly location: string };

/** Milliseconds without a change after which the open graphs are written down. */
const SESSION_DELAY = 500;

/** Writes down which graphs are open, whenever that changes. */
export function keepSession(editor: Editor): void {
  let written = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keep = () => {
    const view = describeSession(editor);
    const text = JSON.stringify(view);
    if (text === written) return;
    written = text;
    clearTimeout(timer);
    timer = setTimeout(() => void attempt(editor, () => editor.desktop.writePreferences({ view })), SESSION_DELAY);
  };
  keep();
  editor.tabs.subscribe(keep);
  editor.graph.subscribe(keep);
}

function describeSession(editor: Editor): Record<string, Json> {
  const kept = editor.tabs.getState().order.flatMap((draft) => {
    const open = describeGraph(stateOf(editor, draft));
    return open ? [{ draft, open }] : [];
  });
  const { draft } = editor.graph.getState();
  return { graphs: kept.map(({ open }) => open), shown: kept.findIndex((each) => each.draft === draft) };
}

function describeGraph(state: GraphState): OpenGraph | undefined {
  if (isUnsaved(state)) return { draft: state.draft };
  return state.location === undefined ? undefined : { location: state.location };
}

/** Opens the graphs of the last session; those that are gone are said. Drafts of none of them are listed under Files. */
export async function reopenSession(editor: Editor): Promise<void> {
  const [drafts, { view }] = await Promise.all([editor.desktop.listDrafts(), editor.desktop.readPreferences()]);
  const graphs = Array.isArray(view.graphs) ? (view.graphs as readonly Record<string, unknown>[]) : [];
  const opened: string[] = [];
  const failures: unknown[] = []; // told at the end: a graph that opens clears what was told before
  for (const { draft, location } of graphs) {
    try {
      const left = drafts.find(({ id }) => id === draft);
      if (left) await openFile(editor, left, left.id);
      else if (typeof location === 'string') await openFile(editor, await editor.desktop.openRecent(location));
      else continue;
      opened.push(editor.graph.getState().draft);
    } catch (error) {
      failures.push(error);
    }
  }
  const shown = opened[Number(view.shown)];
  if (shown !== undefined) goToTab(editor, shown);
  editor.view.setState({ drafts: drafts.filter(({ id }) => !opened.includes(id)) });
  for (const failure of failures)
    await attempt(editor, () => {
      throw failure;
    });
}
