import { X } from 'lucide-react';
import { useEffect } from 'react';
import { useEditor, useView } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { dismiss, type Notice } from '../state/view.ts';

/** Milliseconds that a note stays; failures and warnings stay until dismissed. */
const STAY = 4000;
/** The same where there is something to press. */
const STAY_FOR_ACTION = 12_000;

/** Notices at the edge of the window. */
export function Notices() {
  const notices = useView((state) => state.notices);
  return (
    <div className="notices" role="status" aria-live="polite">
      {notices.map((notice) => (
        <OneNotice key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function OneNotice({ notice: { id, kind, text, action } }: { notice: Notice }) {
  const { view } = useEditor();
  const hasAction = action !== undefined;
  useEffect(() => {
    if (kind !== 'note') return;
    const timer = setTimeout(() => dismiss(view, id), hasAction ? STAY_FOR_ACTION : STAY);
    return () => clearTimeout(timer);
  }, [view, id, kind, hasAction]);
  return (
    <div className={`notice ${kind}`}>
      <p>{text}</p>
      {action && (
        <button
          type="button"
          className="text-button"
          onClick={() => {
            action.perform();
            dismiss(view, id);
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" className="icon-button" aria-label={messages.app.dismiss} onClick={() => dismiss(view, id)}>
        <X size={14} aria-hidden />
      </button>
    </div>
  );
}
