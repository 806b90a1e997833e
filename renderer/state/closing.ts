import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { isOver } from './run.ts';
import { stopRun } from './running.ts';

/** Asks before the window closes if that would end a run: in the application only, since a server's runs survive its pages. */
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
