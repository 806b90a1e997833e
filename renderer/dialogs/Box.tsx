import { Dialog } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';
import { focusCanvas } from '../controls/focusCanvas.ts';
import { messages } from '../state/messages.ts';

/** A dialog with a title and a button that closes it. */
export function Box({ title, wide, children }: { title: string; wide?: boolean; children: ReactNode }) {
  return (
    <Dialog.Popup className={wide ? 'dialog wide' : 'dialog'} finalFocus={focusCanvas}>
      <header className="panel-head">
        <Dialog.Title>{title}</Dialog.Title>
        <Dialog.Close className="quiet-button">{messages.app.close}</Dialog.Close>
      </header>
      {children}
    </Dialog.Popup>
  );
}
