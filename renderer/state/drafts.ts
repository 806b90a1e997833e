import { writeGraph } from '../../graphs/document/write.ts';
import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { saveQuietly } from './files.ts';
import { isUnsaved } from './graph.ts';

/** Milliseconds without a change after which a draft is written. */
const DRAFT_DELAY = 1000;

/** Writes a draft, or the file itself, a second after each change, so that nothing is lost when the window is killed. */
export function keepDrafts(editor: Editor): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  editor.graph.subscribe((state, before) => {
    if (state.whole === before.whole) return;
    clearTimeout(timer);
    if (isUnsaved(state)) timer = setTimeout(() => void attempt(editor, () => keepChanges(editor)), DRAFT_DELAY);
  });
}

/** Saves a graph that lies in a file there, where the user wants that, and writes a draft of any other. */
async function keepChanges(editor: Editor): Promise<void> {
  const { location } = editor.graph.getState();
  if (location !== undefined && editor.view.getState().autosave) await saveQuietly(editor);
  else await writeDraft(editor);
}

async function writeDraft(editor: Editor): Promise<void> {
  const state = editor.graph.getState();
  if (!isUnsaved(state)) return;
  const { whole, draft: id, name, location } = state;
  await editor.desktop.writeDraft({ id, name, ...(location ? { location } : {}), text: writeGraph(whole) });
}
