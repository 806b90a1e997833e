import { writeGraph } from '../../graphs/document/write.ts';
import { attempt } from './attempt.ts';
import type { Editor } from './editor.ts';
import { saveQuietly } from './files.ts';
import { isUnsaved } from './graph.ts';
import { stateOf } from './tabs.ts';

/** Milliseconds without a change after which a draft is written. */
const DRAFT_DELAY = 1000;

/** Writes a draft, or the file itself, a second after each change of a graph, so that nothing is lost when the window is killed. */
export function keepDrafts(editor: Editor): void {
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  editor.graph.subscribe((state, before) => {
    const { draft } = state;
    if (state.whole === before.whole || draft !== before.draft) return;
    clearTimeout(timers.get(draft));
    if (!isUnsaved(state)) return;
    timers.set(
      draft,
      setTimeout(() => {
        timers.delete(draft);
        void attempt(editor, () => keepChanges(editor, draft));
      }, DRAFT_DELAY),
    );
  });
}

/** Saves a graph that is on the canvas and lies in a file there, where the user wants that, and writes a draft of any other. */
async function keepChanges(editor: Editor, draft: string): Promise<void> {
  const now = editor.graph.getState();
  const isSaved = now.draft === draft && now.location !== undefined && editor.view.getState().autosave;
  if (isSaved) await saveQuietly(editor);
  else await writeDraft(editor, draft);
}

async function writeDraft(editor: Editor, draft: string): Promise<void> {
  const state = stateOf(editor, draft);
  if (state.draft !== draft || !isUnsaved(state)) return; // it was closed or saved meanwhile
  const { whole, name, location } = state;
  await editor.desktop.writeDraft({ id: draft, name, ...(location ? { location } : {}), text: writeGraph(whole) });
}
