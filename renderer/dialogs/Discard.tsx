import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { save } from '../state/files.ts';
import { messages } from '../state/messages.ts';
import { Box } from './Box.tsx';

/** Asks whether changes that are not saved may be left behind. */
export function Discard({ proceed, close }: { proceed(): void; close(): void }) {
  const editor = useEditor();
  const name = useGraph((state) => state.whole.title);
  return (
    <Box title={name}>
      <p>{messages.files.discardQuestion(name)}</p>
      <footer className="dialog-end">
        <button
          type="button"
          className="button"
          onClick={() => {
            close();
            proceed();
          }}
        >
          {messages.files.discardConfirm}
        </button>
        <button
          type="button"
          className="button primary"
          onClick={() =>
            void attempt(editor, async () => {
              close();
              if (await save(editor)) proceed();
            })
          }
        >
          {messages.files.saveFirst}
        </button>
      </footer>
    </Box>
  );
}
