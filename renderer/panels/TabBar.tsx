import { X } from 'lucide-react';
import { useEditor, useGraph, useTabs } from '../state/editor.ts';
import { closeGraph } from '../state/files.ts';
import { isUnsaved } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { goToTab, nameTab, stateOf } from '../state/tabs.ts';

/** The graphs that are open, where there are several. */
export function TabBar() {
  const order = useTabs((state) => state.order);
  if (order.length < 2) return null;
  return (
    <div className="tab-bar" role="tablist" aria-label={messages.files.tabs}>
      {order.map((draft) => (
        <Tab key={draft} draft={draft} />
      ))}
    </div>
  );
}

function Tab({ draft }: { draft: string }) {
  const editor = useEditor();
  const isShown = useGraph((state) => state.draft === draft);
  useTabs((state) => state.parked[draft]); // a parked graph is not in the store of the one on the canvas
  const name = useGraph(() => nameTab(stateOf(editor, draft)));
  const unsaved = useGraph(() => isUnsaved(stateOf(editor, draft)));
  return (
    <div className="tab" data-shown={isShown || undefined}>
      <button
        type="button"
        role="tab"
        aria-selected={isShown}
        title={name}
        onClick={() => goToTab(editor, draft)}
        onAuxClick={({ button }) => button === 1 && closeGraph(editor, draft)}
      >
        <span>{name}</span>
        {unsaved && (
          <span className="unsaved" role="img" aria-label={messages.app.unsaved}>
            ●
          </span>
        )}
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={messages.files.closeTab(name)}
        title={messages.files.closeTab(name)}
        onClick={() => closeGraph(editor, draft)}
      >
        <X size={14} aria-hidden />
      </button>
    </div>
  );
}
