import { createStore, type StoreApi } from 'zustand/vanilla';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { type DocumentPlace, type GraphState, isUnsaved, markSaved, openDocument, restoreGraph } from './graph.ts';
import { messages } from './messages.ts';
import { resultsOf } from './results.ts';
import type { RunState } from './run.ts';
import { clearNotices, select } from './view.ts';

/*
 * Several graphs are open at a time, one of them on the canvas. Each is named by its draft.
 */

/** A graph that is open, but not on the canvas, with what its nodes gave last. */
export interface ParkedGraph {
  readonly graph: GraphState;
  readonly runs: Pick<RunState, 'shown' | 'results'>;
}

export interface TabState {
  /** The drafts of all open graphs, as their tabs stand; the one on the canvas among them. */
  readonly order: readonly string[];
  readonly parked: Readonly<Record<string, ParkedGraph>>;
}

export type TabStore = StoreApi<TabState>;

/** Tabs of a window whose graph on the canvas has this draft. */
export function createTabStore(draft: string): TabStore {
  return createStore<TabState>(() => ({ order: [draft], parked: {} }));
}

/**
 * Opens a graph in a tab of its own, right of the one on the canvas; in place of that one where it is as it was opened and
 * lies in no file.
 */
export function openTab(editor: Editor, document: GraphDocument, place: DocumentPlace): void {
  const { graph, tabs } = editor;
  const { draft, past, location } = graph.getState();
  const isUntouched = !isUnsaved(graph.getState()) && past.length === 0 && location === undefined;
  if (!isUntouched) park(editor);
  tabs.setState(({ order }) => {
    const at = order.indexOf(draft);
    return { order: order.toSpliced(isUntouched ? at : at + 1, isUntouched ? 1 : 0, place.draft) };
  });
  openDocument(graph, document, place);
  begin(editor, { shown: undefined, results: {} });
}

/** Brings an open graph to the canvas. */
export function goToTab(editor: Editor, draft: string): void {
  const found = editor.tabs.getState().parked[draft];
  if (!found) return;
  park(editor);
  bring(editor, draft, found);
}

/** Brings the tab so many places further right to the canvas, around the end. */
export function stepTab(editor: Editor, by: number): void {
  const { order } = editor.tabs.getState();
  const at = order.indexOf(editor.graph.getState().draft);
  goToTab(editor, order[(at + by + order.length) % order.length]!);
}

/** The draft of the open graph that lies at a location. */
export function findTab(editor: Editor, location: string): string | undefined {
  return editor.tabs.getState().order.find((draft) => stateOf(editor, draft).location === location);
}

/** Closes a graph, after asking whether its changes may be lost; where it was the last, `empty` opens another first. */
export function closeTab(editor: Editor, draft: string, empty: () => void): void {
  if (!isUnsaved(stateOf(editor, draft))) {
    drop(editor, draft, empty);
    return;
  }
  goToTab(editor, draft);
  const proceed = () => {
    drop(editor, draft, empty);
    void attempt(editor, () => editor.desktop.removeDraft(draft));
  };
  editor.view.setState({ overlay: { kind: 'discard', proceed } });
}

/** Marks an open graph, on the canvas or not, as saved to a file. */
export function markTabSaved(
  { graph, tabs }: Editor,
  draft: string,
  whole: GraphDocument,
  place: Omit<DocumentPlace, 'draft'>,
): void {
  if (graph.getState().draft === draft) {
    markSaved(graph, whole, place);
    return;
  }
  const { name, location } = place;
  tabs.setState(({ parked }) => {
    const left = parked[draft];
    return left
      ? { parked: { ...parked, [draft]: { ...left, graph: { ...left.graph, saved: whole, name, location } } } }
      : {};
  });
}

/** The state of an open graph, on the canvas or not. */
export function stateOf({ graph, tabs }: Editor, draft: string): GraphState {
  const now = graph.getState();
  return now.draft === draft ? now : (tabs.getState().parked[draft]?.graph ?? now);
}

/** What a tab shows: the name of its file, or the title of a graph that lies in none. */
export function nameTab({ location, name, whole }: GraphState): string {
  return location === undefined ? whole.title || messages.files.untitled : name;
}

function drop(editor: Editor, draft: string, empty: () => void): void {
  const { graph, tabs } = editor;
  const { order } = tabs.getState();
  const at = order.indexOf(draft);
  const isCurrent = graph.getState().draft === draft;
  const next = isCurrent ? (order[at + 1] ?? order[at - 1]) : undefined;
  if (isCurrent && next === undefined) empty();
  if (next !== undefined) bring(editor, next, tabs.getState().parked[next]!);
  tabs.setState(({ order: open, parked: { [draft]: _closed, ...others } }) => ({
    order: open.filter((one) => one !== draft),
    parked: others,
  }));
}

/** Keeps the graph on the canvas for later. */
function park({ graph, runs, tabs }: Editor): void {
  const { shown, results } = runs.getState();
  const now = graph.getState();
  tabs.setState(({ parked }) => ({ parked: { ...parked, [now.draft]: { graph: now, runs: { shown, results } } } }));
}

function bring(editor: Editor, draft: string, { graph, runs }: ParkedGraph): void {
  editor.tabs.setState(({ parked: { [draft]: _brought, ...others } }) => ({ parked: others }));
  restoreGraph(editor.graph, graph);
  const missed = editor.runs.getState().runs.filter((run) => run.draft === draft);
  const results = Object.assign({}, runs.results, ...missed.map(resultsOf));
  begin(editor, { shown: missed.at(-1)?.id ?? runs.shown, results });
}

/** Shows nothing of the graph that was on the canvas before. */
function begin(editor: Editor, runs: ParkedGraph['runs']): void {
  editor.runs.setState(runs);
  select(editor.view, []);
  editor.view.setState({ page: 'graph', overlay: undefined });
  clearNotices(editor.view);
}
