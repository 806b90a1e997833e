import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { isOver } from './run.ts';
import { stopRun } from './running.ts';

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
