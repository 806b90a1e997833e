import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { RecentGraph } from '../../electron/host/ipc.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { openFile, unlessUnsaved } from '../state/files.ts';
import { messages } from '../state/messages.ts';

/** Graphs that were opened or saved before. */
export function FilesPanel() {
  const editor = useEditor();
  const saved = useGraph((state) => state.saved);
  const [recent, setRecent] = useState<readonly RecentGraph[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: saving changes the list
  useEffect(() => void attempt(editor, async () => setRecent(await editor.desktop.listRecent())), [editor, saved]);
  const open = (location: string) =>
    unlessUnsaved(editor, async () => openFile(editor, await editor.desktop.openRecent(location)));
  if (recent.length === 0) return <p className="empty">{messages.files.none}</p>;
  return (
    <ul className="rows">
      {recent.map(({ location, name, used, exists }) => (
        <li key={location}>
          <button type="button" className="row" disabled={!exists} title={location} onClick={() => open(location)}>
            <b>{name}</b>
            <small className="faint">{exists ? new Date(used).toLocaleString() : messages.files.missing}</small>
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={messages.files.forget(name)}
            onClick={() =>
              void attempt(editor, async () => {
                await editor.desktop.forgetRecent(location);
                setRecent(recent.filter((graph) => graph.location !== location));
              })
            }
          >
            <X size={14} aria-hidden />
          </button>
        </li>
      ))}
    </ul>
  );
}
