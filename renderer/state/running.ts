import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import { UserError } from '../../nodes/errors.ts';
import type { Editor } from './editor.ts';
import { requireEngine } from './engine.ts';
import { messages } from './messages.ts';
import { addRun, breakRun, changeRun, foldRun, isOver, type Run, waitingRun } from './run.ts';
import { notify } from './view.ts';

/*
 * Runs of the engine, as the window follows them.
 */

/** Queues a run of the graph, or of what the given nodes need. */
export async function run(editor: Editor, targets?: readonly string[]): Promise<void> {
  const engine = requireEngine(editor);
  const { whole, location, draft } = editor.graph.getState();
  const id = crypto.randomUUID().slice(0, 8);
  editor.view.setState({ notices: [] }); // what went wrong with the last one
  addRun(editor.runs, waitingRun(id, whole.title, whole));
  const options = { run: id, previews: true, ...(targets ? { targets } : {}), ...(location ? { location } : {}) };
  const isOpen = () => editor.graph.getState().draft === draft;
  await receive(editor, id, isOpen, (emit) => engine.run(whole, options, emit));
}

/** Follows runs that another window started, or this one before a reload. */
export async function followRuns(editor: Editor, engine: QueuedEngine): Promise<void> {
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

/** Folds the events of a run into the store. `isOpen`: whether its graph is on the canvas, so that the run is shown when it starts. */
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

/** Cancels a run, waiting or running. An engine that does not hear it is ended and started again, and the run tells so. */
export async function stopRun(editor: Editor, id: string): Promise<void> {
  const cancelled = requireEngine(editor).cancelRun(id);
  await editor.desktop.requireAnswer();
  await cancelled.catch((error: unknown) => {
    if (!(error instanceof UserError) || error.code !== 'ENGINE_LOST') throw error;
  });
}

/** Pauses a run before its next step, or resumes it. */
export async function pauseRun(editor: Editor, { id, state }: Run): Promise<void> {
  const engine = requireEngine(editor);
  await (state === 'paused' ? engine.resumeRun(id) : engine.pauseRun(id));
}
