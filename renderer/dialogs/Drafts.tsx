import type { Draft } from '../../electron/host/ipc.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useView } from '../state/editor.ts';
import { openFile } from '../state/files.ts';
import { messages } from '../state/messages.ts';
import { Box } from './Box.tsx';

/** Graphs that were not saved when the window was closed or stopped. */
export function Drafts({ close }: { close(): void }) {
  const editor = useEditor();
  const drafts = useView((state) => state.drafts);
  const forget = (draft: Draft) =>
    editor.view.setState(({ drafts }) => ({ drafts: drafts.filter(({ id }) => id !== draft.id) }));
  return (
    <Box title={messages.files.drafts}>
      <p>{messages.files.draftsHelp}</p>
      <ul className="rows">
        {drafts.map((draft) => (
          <li key={draft.id}>
            <span>
              <b>{draft.name}</b> <small className="faint">{new Date(draft.written).toLocaleString()}</small>
            </span>
            <button
              type="button"
              className="button primary"
              onClick={() =>
                void attempt(editor, async () => {
                  await openFile(editor, draft, draft.id);
                  forget(draft);
                })
              }
            >
              {messages.files.restore}
            </button>
            <button
              type="button"
              className="button"
              onClick={() =>
                void attempt(editor, async () => {
                  await editor.desktop.removeDraft(draft.id);
                  forget(draft);
                  if (drafts.length === 1) close();
                })
              }
            >
              {messages.files.discard}
            </button>
          </li>
        ))}
      </ul>
    </Box>
  );
}
