import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { RecentGraph } from '../../electron/host/ipc.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { openFile } from '../state/files.ts';
import { formatDate } from '../state/format.ts';
import { messages } from '../state/messages.ts';

/** Graphs with changes that were never saved, and graphs that were opened or saved before. */
export function FilesPanel() {
  const editor = useEditor();
  const saved = useGraph((state) => state.saved);
  const drafts = useView((state) => state.drafts);
  const [recent, setRecent] = useState<readonly RecentGraph[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: saving changes the list
  useEffect(() => void attempt(editor, async () => setRecent(await editor.desktop.listRecent())), [editor, saved]);
  const dropDraft = (gone: string) =>
    editor.view.setState((state) => ({ drafts: state.drafts.filter(({ id }) => id !== gone) }));
  if (recent.length + drafts.length === 0) return <p className="empty">{messages.files.none}</p>;
  return (
    <>
      {drafts.length > 0 && (
        <section className="model-group">
          <h3>{messages.files.drafts}</h3>
          <ul className="rows">
            {drafts.map((draft) => (
              <FileRow
                key={draft.id}
                name={draft.name}
                note={formatDate(draft.written)}
                open={async () => {
                  await openFile(editor, draft, draft.id);
                  dropDraft(draft.id);
                }}
                removing={messages.files.discard(draft.name)}
                remove={async () => {
                  await editor.desktop.removeDraft(draft.id);
                  dropDraft(draft.id);
                }}
              />
            ))}
          </ul>
        </section>
      )}
      <section className="model-group">
        {drafts.length > 0 && recent.length > 0 && <h3>{messages.files.recent}</h3>}
        <ul className="rows">
          {recent.map(({ location, name, used, exists }) => (
            <FileRow
              key={location}
              name={name}
              place={location}
              note={exists ? formatDate(used) : messages.files.missing}
              open={exists && (async () => openFile(editor, await editor.desktop.openRecent(location)))}
              removing={messages.files.forget(name)}
              remove={async () => {
                await editor.desktop.forgetRecent(location);
                setRecent(recent.filter((graph) => graph.location !== location));
              }}
            />
          ))}
        </ul>
      </section>
    </>
  );
}

interface FileRowProps {
  readonly name: string;
  readonly place?: string;
  readonly note: string;
  /** False where it cannot be opened. */
  readonly open: false | (() => Promise<void>);
  readonly removing: string;
  remove(): Promise<void>;
}

function FileRow({ name, place, note, open, removing, remove }: FileRowProps) {
  const editor = useEditor();
  return (
    <li>
      <button
        type="button"
        className="row"
        disabled={!open}
        title={place}
        onClick={() => open && void attempt(editor, open)}
      >
        <b>{name}</b>
        <small className="faint">{note}</small>
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={removing}
        title={removing}
        onClick={() => void attempt(editor, remove)}
      >
        <X size={14} aria-hidden />
      </button>
    </li>
  );
}
