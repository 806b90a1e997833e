import { X } from 'lucide-react';
import { messages } from '../state/messages.ts';

/** The title of a panel and the button that closes it. */
export function PanelHead({ title, onClose }: { title: string; onClose(): void }) {
  return (
    <header className="panel-head">
      <h2>{title}</h2>
      <button type="button" className="icon-button" aria-label={messages.app.close} onClick={onClose}>
        <X size={16} aria-hidden />
      </button>
    </header>
  );
}
