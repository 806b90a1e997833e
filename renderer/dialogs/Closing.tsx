import { closeWindow } from '../state/closing.ts';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { Box } from './Box.tsx';

/** Asks whether the window may close although a run goes on. */
export function Closing({ close }: { close(): void }) {
  const editor = useEditor();
  return (
    <Box title={messages.app.closing}>
      <p>{messages.app.closingHelp}</p>
      <footer className="dialog-end">
        <button type="button" className="button" onClick={() => void closeWindow(editor)}>
          {messages.app.closeAnyway}
        </button>
        <button type="button" className="button primary" onClick={close}>
          {messages.app.keepRunning}
        </button>
      </footer>
    </Box>
  );
}
