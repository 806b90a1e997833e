import { useState } from 'react';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { saveUnder } from '../state/files.ts';
import { messages } from '../state/messages.ts';
import { Box } from './Box.tsx';

/** Asks for a name to save under, where the shell has no dialog for that. */
export function SaveAs({ close }: { close(): void }) {
  const editor = useEditor();
  const [name, setName] = useState(useGraph((state) => state.name));
  const [exists, setExists] = useState(false);
  const submit = async () => {
    try {
      if (await saveUnder(editor, name, exists)) close();
    } catch (error) {
      if ((error as { code?: string }).code !== 'EXISTS') throw error;
      setExists(true);
    }
  };
  return (
    <Box title={messages.files.saveAs}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(editor, submit);
        }}
      >
        <label htmlFor="file-name">{messages.files.fileName}</label>
        <input
          id="file-name"
          className="field"
          value={name}
          // biome-ignore lint/a11y/noAutofocus: the dialog asks for this alone
          autoFocus
          onFocus={({ target }) => target.select()}
          onChange={({ target }) => {
            setName(target.value);
            setExists(false);
          }}
        />
        {exists && <p role="alert">{messages.files.replace}</p>}
        <button type="submit" className="button primary" disabled={name.trim() === ''}>
          {messages.commands.save}
        </button>
      </form>
    </Box>
  );
}
