import { type GraphDocument, own } from '../../graphs/document/document.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import { UserError } from '../../nodes/errors.ts';
import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { requireEngine } from './engine.ts';
import { explainProblem } from './explainProblem.ts';
import { formatBytes } from './format.ts';
import { tellProblems } from './graph.ts';
import { messages } from './messages.ts';
import { pullable, pullModels, sizeOfPulls } from './models.ts';
import { keepResult } from './results.ts';
import { addRun, breakRun, changeRun, foldRun, isOver, type Run, waitingRun } from './run.ts';
import { standingProblems } from './standing.ts';
import { clearNotices, type Notice, notify } from './view.ts';

/*
 * Runs of the engine, as the window follows them.
 */

/** Queues a run of the graph, or of what the given nodes need. */
export async function run(editor: Editor, targets?: readonly string[]): Promise<void> {
  const engine = requireEngine(editor);
  tellProblems(editor.graph);
  if (offerMissingModels(editor, targets)) return;
  const { whole, location, draft } = editor.graph.getState();
  const id = crypto.randomUUID().slice(0, 8);
  clearNotices(editor.view);
  addRun(editor.runs, { ...waitingRun(id, whole.title, whole), draft });
  const options = {
    run: id,
    previews: editor.view.getState().previews,
    ...(targets ? { targets } : {}),
    ...(location ? { location } : {}),
  };
  const isOpen = () => editor.graph.getState().draft === draft;
  await receive(editor, id, isOpen, (emit) => engine.run(whole, options, emit));
}

/**
 * Whether a run would find models missing, before anything is computed: then it is said, with a button that downloads them
 * all.
 */
function offerMissingModels(editor: Editor, targets: readonly string[] | undefined): boolean {
  const { problems, whole } = editor.graph.getState();
  const needed = targets && findUpstream(whole, targets);
  const missing = problems.filter(
    ({ code, at }) => code === 'MISSING_MODEL' && (needed?.has((at.node ?? '').split('/')[0] ?? '') ?? true),
  );
  const [first] = missing;
  if (!first) return false;
  const names = pullable(missing.map(({ value }) => String(value)));
  const size = sizeOfPulls(editor.view.getState().models, names);
  const download = {
    label: messages.models.pullAll(names.length, size === undefined ? undefined : formatBytes(size)),
    perform() {
      editor.view.setState({ side: 'models', page: 'graph' });
      void attempt(editor, () => pullModels(editor, names));
    },
  };
  const show = {
    label: messages.run.showProblems,
    perform: () => editor.view.setState({ problems: true, page: 'graph' }),
  };
  notify(editor.view, {
    kind: 'failure',
    text: missing.length === 1 ? `${first.message} ${first.remedy}` : messages.models.severalMissing(missing.length),
    action: names.length > 0 ? download : show,
  });
  return true;
}

/** The nodes at the top of a graph that others need, with these; the others are named as runs do. */
function findUpstream(whole: GraphDocument, targets: readonly string[]): ReadonlySet<string> {
  const found = new Set(targets.map((target) => target.split('/')[0] ?? ''));
  for (const id of found)
    for (const wires of Object.values(own(whole.nodes, id)?.inputs ?? {})) for (const [from] of wires) found.add(from);
  return found;
}

/** Follows runs that another window started, or this one before a reload. */
export async function followRuns(editor: Editor, engine: QueuedEngine): Promise<void> {
  const queued = await engine.listRuns();
  breakLost(editor, queued);
  for (const { run, title } of queued) {
    const known = editor.runs.getState().runs.find(({ id }) => id === run);
    if (known && !isOver(known) && !known.lost) continue;
    if (known?.lost) changeRun(editor.runs, run, ({ lost: _lost, ...rest }) => rest);
    else addRun(editor.runs, waitingRun(run, title));
    void receive(
      editor,
      run,
      () => true,
      (emit) => engine.followRun(run, emit),
    );
  }
}

/** Ends the runs that waited in an engine which is gone, and that the next one does not know. */
function breakLost(editor: Editor, queued: readonly { readonly run: string }[]): void {
  const problem = { code: 'ENGINE_LOST', message: messages.run.lost, at: {} };
  for (const { id, lost } of editor.runs.getState().runs)
    if (lost && !queued.some(({ run }) => run === id)) changeRun(editor.runs, id, (run) => breakRun(run, problem));
}

type Emit = Parameters<QueuedEngine['run']>[2];

/** Folds the events of a run into the store. `isOpen`: whether its graph is on the canvas, so that the run is shown when it starts. */
async function receive(
  editor: Editor,
  id: string,
  isOpen: () => boolean,
  start: (emit: Emit) => Promise<unknown>,
): Promise<void> {
  let first: Problem | undefined;
  try {
    await start((event) => {
      if (event.type === 'problem') first ??= event.problem;
      changeRun(editor.runs, id, (run) => foldRun(run, event, performance.now()));
      if (!isOpen()) return;
      if (event.type === 'run-started') editor.runs.setState({ shown: id });
      const run = editor.runs.getState().runs.find((one) => one.id === id);
      if (run) keepResult(editor.runs, run, event);
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const message = error.code === 'ENGINE_LOST' ? messages.run.lost : error.message;
    const lost = { ...error.toJSON(), message };
    const before = editor.runs.getState().runs.find((one) => one.id === id);
    if (error.code === 'ENGINE_LOST' && before?.state === 'waiting' && !before.stopping) {
      changeRun(editor.runs, id, (run) => ({ ...run, lost: true })); // it waits on in the next engine
      return;
    }
    changeRun(editor.runs, id, (run) => (isOver(run) ? run : breakRun(run, lost)));
    first ??= lost;
  }
  const run = editor.runs.getState().runs.find((one) => one.id === id);
  if (!run) return;
  editor.view.setState(({ finished }) => ({ finished: finished + 1 }));
  const isKnown = run.state === 'invalid' && editor.graph.getState().problems.length > 0;
  if (!first) return;
  const { whole, library } = editor.graph.getState();
  const { models, about } = editor.view.getState();
  const facts = { whole: run.document ?? whole, library, models, dialogs: about?.dialogs === true };
  const text = isKnown ? messages.run.hasProblems : explainProblem(first, facts).text;
  const perform = () => editor.view.setState({ problems: true, page: 'graph' });
  notify(editor.view, { kind: 'failure', text, action: { label: messages.run.showProblems, perform }, run: id });
}

/** Takes away what was told of runs whose problems are mended. */
export function dropMended(editor: Editor): void {
  const { graph, runs, view } = editor;
  const isMended = ({ run: id }: Notice) => {
    const run = id === undefined ? undefined : runs.getState().runs.find((one) => one.id === id);
    return (
      run !== undefined &&
      run.problems.length > 0 &&
      standingProblems(run, graph.getState(), view.getState()).length === 0
    );
  };
  const { notices } = view.getState();
  const left = notices.filter((notice) => !isMended(notice));
  if (left.length < notices.length) view.setState({ notices: left });
}

/** Cancels a run, waiting or running. An engine that does not hear it is ended and started again, and the run tells so. */
export async function stopRun(editor: Editor, id: string): Promise<void> {
  const cancelled = requireEngine(editor).cancelRun(id);
  changeRun(editor.runs, id, (run) => ({ ...run, stopping: true }));
  await editor.desktop.requireAnswer();
  await cancelled.catch((error: unknown) => {
    if (!(error instanceof UserError) || error.code !== 'ENGINE_LOST') throw error;
  });
}

/** Moves a waiting run before another one that waits, or behind all. */
export async function moveRun(editor: Editor, id: string, before: string | undefined): Promise<void> {
  if (!(await requireEngine(editor).moveRun(id, before))) return;
  editor.runs.setState(({ runs }) => {
    const moved = runs.find((run) => run.id === id);
    const others = runs.filter((run) => run.id !== id);
    const place = before === undefined ? others.length : others.findIndex((run) => run.id === before);
    return moved && place >= 0 ? { runs: [...others.slice(0, place), moved, ...others.slice(place)] } : {};
  });
}

/** Pauses a run before its next step, or resumes it. */
export async function pauseRun(editor: Editor, { id, state }: Run): Promise<void> {
  const engine = requireEngine(editor);
  await (state === 'paused' ? engine.resumeRun(id) : engine.pauseRun(id));
}
