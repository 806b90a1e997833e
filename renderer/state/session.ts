import type { GraphFile } from '../../electron/host/ipc.ts';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { emptyDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { insertFragment } from '../../graphs/edit/fragment.ts';
import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import { UserError } from '../../nodes/errors.ts';
import type { Editor } from './editor.ts';
import {
  createGraphStore,
  editGraph,
  type GraphPlaceOf,
  isUnsaved,
  learnCards,
  markSaved,
  openDocument,
} from './graph.ts';
import { messages } from './messages.ts';
import { addRun, breakRun, changeRun, createRunStore, foldRun, isOver, type Run, waitingRun } from './run.ts';
import { nodeItems } from './selection.ts';
import type { Shell } from './shell.ts';
import { createViewStore, notify, type Point, select } from './view.ts';

/*
 * What the window does with its shell and engine: opening, saving, drafts, runs.
 */

/** The template that a first start opens. */
const FIRST_TEMPLATE = 'first-image';
/** Milliseconds without a change after which a draft is written. */
const DRAFT_DELAY = 1000;

/** Makes the editor of a window and connects it with its shell. */
export function createEditor(shell: Shell): Editor {
  const editor: Editor = {
    desktop: shell.desktop,
    graph: createGraphStore(),
    runs: createRunStore(),
    view: createViewStore(),
    engine: undefined,
    canvas: undefined,
  };
  let isFirst = true;
  shell.onEngine((engine) => {
    editor.engine = engine;
    void attempt(editor, async () => {
      learnCards(editor.graph, await engine.describeNodes());
      await followRuns(editor, engine);
      if (isFirst) await begin(editor);
      isFirst = false;
    });
  });
  shell.listen((event) => {
    if (event.type === 'engine') {
      editor.view.setState({ engine: event.engine });
      if (event.engine.state === 'stopped') editor.engine = undefined;
    } else if (event.type === 'open') void attempt(editor, () => openFile(editor, event.file));
    else if (event.type === 'native') editor.view.setState({ native: event.native });
    else if (event.type === 'pull')
      editor.view.setState(({ pulls }) => ({ pulls: { ...pulls, [event.pull.name]: event.pull } }));
  });
  void attempt(editor, async () => {
    const [about, preferences] = await Promise.all([shell.desktop.about(), shell.desktop.readPreferences()]);
    editor.view.setState({ about, theme: preferences.theme, device: preferences.device });
  });
  keepDrafts(editor);
  return editor;
}

/** Does something that may fail for a reason the user can mend: the reason is shown. */
export async function attempt(editor: Editor, action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notify(editor.view, { kind: 'failure', text: error.message });
  }
}

/** Offers what a crash left behind, and opens the first template. */
async function begin(editor: Editor): Promise<void> {
  const [drafts, templates] = await Promise.all([editor.desktop.listDrafts(), editor.desktop.listTemplates()]);
  const template = templates.find(({ name }) => name === FIRST_TEMPLATE) ?? templates[0];
  if (template) await openFile(editor, { name: template.title, text: template.text });
  if (drafts.length > 0) editor.view.setState({ drafts, overlay: { kind: 'drafts' } });
}

/** Opens a graph in place of the one that is open. Throws UserError where the text is no graph. */
export async function openFile(editor: Editor, file: GraphFile, draft?: string): Promise<void> {
  const engine = engineOf(editor);
  const { document } = await engine.openGraph(file.text);
  const place = { name: file.name, location: file.location, draft: draft ?? crypto.randomUUID() };
  show(editor, document, { ...place, unsaved: draft !== undefined });
}

export function newGraph(editor: Editor): void {
  const place = { name: messages.files.untitled, draft: crypto.randomUUID() };
  show(editor, emptyDocument(messages.files.untitled), place);
}

/** Another graph is on the canvas; what runs of the one before did at nodes of the same names is not shown in it. */
function show(editor: Editor, document: GraphDocument, place: GraphPlaceOf): void {
  openDocument(editor.graph, document, place);
  editor.runs.setState({ shown: undefined });
  select(editor.view, []);
  editor.view.setState({ page: 'graph', overlay: undefined, notices: [] });
}

/** Goes on at once where nothing would be lost, else asks first. */
export function unlessUnsaved(editor: Editor, then: () => void): void {
  if (isUnsaved(editor.graph.getState())) editor.view.setState({ overlay: { kind: 'discard', then } });
  else then();
}

/** Saves where the graph lies, or asks where. Gives false where the user closed the dialog. */
export async function save(editor: Editor): Promise<boolean> {
  const { whole, location, name } = editor.graph.getState();
  if (location === undefined) return saveAs(editor);
  await editor.desktop.saveGraph(location, writeGraph(whole));
  await saved(editor, whole, { name, location });
  return true;
}

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

/** Writes a draft a second after each change, so that nothing is lost when the window is killed. */
function keepDrafts(editor: Editor): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  editor.graph.subscribe((state, before) => {
    if (state.whole === before.whole) return;
    clearTimeout(timer);
    if (isUnsaved(state)) timer = setTimeout(() => void attempt(editor, () => writeDraft(editor)), DRAFT_DELAY);
  });
}

async function writeDraft(editor: Editor): Promise<void> {
  const state = editor.graph.getState();
  if (!isUnsaved(state)) return;
  const { whole, draft: id, name, location } = state;
  await editor.desktop.writeDraft({ id, name, ...(location ? { location } : {}), text: writeGraph(whole) });
}

/** Asks before the window closes where that would end a run: in the application; a server's runs go on without a page. */
export function askBeforeClosing(editor: Editor): void {
  addEventListener('beforeunload', (event) => {
    const { about, leaving } = editor.view.getState();
    if (leaving || about?.shell !== 'desktop' || editor.runs.getState().runs.every(isOver)) return;
    event.preventDefault();
    editor.view.setState({ overlay: { kind: 'closing' } });
  });
}

/** Stops every run and closes the window. */
export async function closeWindow(editor: Editor): Promise<void> {
  editor.view.setState({ leaving: true });
  const live = editor.runs.getState().runs.filter((run) => !isOver(run));
  await attempt(editor, () => Promise.all(live.map(({ id }) => stopRun(editor, id))));
  window.close();
}

/** Adds the nodes of a text from the clipboard, their middle at a place, and selects them. */
export async function pasteText(editor: Editor, text: string, at?: Point): Promise<void> {
  const { document: fragment } = await engineOf(editor).openGraph(text);
  const places = [...Object.values(fragment.nodes), ...(fragment.notes ?? []), ...(fragment.frames ?? [])].map(
    ({ position }) => position,
  );
  if (places.length === 0) return;
  const [left, top] = [Math.min(...places.map(([x]) => x)), Math.min(...places.map(([, y]) => y))];
  const to = at ?? { x: left + 32, y: top + 32 };
  insert(editor, fragment, [Math.round((to.x - left) / 8) * 8, Math.round((to.y - top) / 8) * 8]);
}

export function insert(editor: Editor, fragment: GraphDocument, offset: readonly [number, number]): void {
  const inserted = insertFragment(editor.graph.getState().document, fragment, offset);
  editGraph(editor.graph, () => inserted.document);
  const notes = (fragment.notes ?? []).map((_, i) => ({ kind: 'note', place: inserted.notesFrom + i }) as const);
  const frames = (fragment.frames ?? []).map((_, i) => ({ kind: 'frame', place: inserted.framesFrom + i }) as const);
  select(editor.view, [...nodeItems(inserted.ids), ...notes, ...frames]);
}

/** Puts the graph, or what some nodes of the whole graph need, into the queue of runs. */
export async function run(editor: Editor, targets?: readonly string[]): Promise<void> {
  const engine = engineOf(editor);
  const { whole, location, draft } = editor.graph.getState();
  const id = crypto.randomUUID().slice(0, 8);
  editor.view.setState({ notices: [] }); // what went wrong with the last one
  addRun(editor.runs, waitingRun(id, whole.title, whole));
  const options = { run: id, previews: true, ...(targets ? { targets } : {}), ...(location ? { location } : {}) };
  const isOpen = () => editor.graph.getState().draft === draft;
  await receive(editor, id, isOpen, (emit) => engine.run(whole, options, emit));
}

/** Takes up the runs that another window started, or this one before it was loaded anew. */
async function followRuns(editor: Editor, engine: QueuedEngine): Promise<void> {
  for (const { run, title } of await engine.listRuns()) {
    const known = editor.runs.getState().runs.find(({ id }) => id === run);
    if (known && !isOver(known)) continue;
    addRun(editor.runs, waitingRun(run, title));
    void receive(
      editor,
      run,
      () => true,
      (emit) => engine.followRun(run, emit),
    );
  }
}

type Emit = Parameters<QueuedEngine['run']>[2];

/** Takes in what a run tells. `isOpen`: whether its graph is the one on the canvas, which shows the run when it starts. */
async function receive(
  editor: Editor,
  id: string,
  isOpen: () => boolean,
  start: (emit: Emit) => Promise<unknown>,
): Promise<void> {
  let first: string | undefined;
  try {
    await start((event) => {
      if (event.type === 'problem') first ??= event.problem.message;
      changeRun(editor.runs, id, (run) => foldRun(run, event, performance.now()));
      if (event.type === 'run-started' && isOpen()) editor.runs.setState({ shown: id });
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const message = error.code === 'ENGINE_LOST' ? messages.run.lost : error.message;
    first ??= message;
    changeRun(editor.runs, id, (run) => (isOver(run) ? run : breakRun(run, { ...error.toJSON(), message })));
  }
  const run = editor.runs.getState().runs.find((one) => one.id === id);
  if (!run) return;
  editor.view.setState(({ finished }) => ({ finished: finished + 1 }));
  const isKnown = run.state === 'invalid' && editor.graph.getState().problems.length > 0;
  const text = isKnown ? messages.run.hasProblems : first;
  if (text === undefined) return;
  const perform = () => editor.view.setState({ problems: true, page: 'graph' });
  notify(editor.view, { kind: 'failure', text, action: { label: messages.run.showProblems, perform } });
}

export async function stopRun(editor: Editor, id: string): Promise<void> {
  await engineOf(editor).cancelRun(id);
}

/** Holds a run before its next step, or lets it go on. */
export async function pauseRun(editor: Editor, { id, state }: Run): Promise<void> {
  const engine = engineOf(editor);
  await (state === 'paused' ? engine.resumeRun(id) : engine.pauseRun(id));
}

/** Throws UserError `ENGINE_LOST` while there is none. */
export function engineOf(editor: Editor): QueuedEngine {
  if (!editor.engine) throw new UserError('ENGINE_LOST', messages.run.notReady);
  return editor.engine;
}
