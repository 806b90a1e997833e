import { Dialog } from '@base-ui/react/dialog';
import { useState } from 'react';
import { LargeImage } from '../controls/LargeImage.tsx';
import { messages } from '../state/messages.ts';
import type { Overlay } from '../state/view.ts';

interface ViewerProps {
  readonly overlay: Extract<Overlay, { kind: 'viewer' }>;
  close(): void;
}

/** Images over the whole window, one of them large. */
export function Viewer({ overlay: { title, images, shown: first }, close }: ViewerProps) {
  const [shown, setShown] = useState(first);
  return (
    <Dialog.Popup className="dialog viewer-dialog">
      <header className="panel-head">
        <Dialog.Title>{messages.results.viewer(title)}</Dialog.Title>
        <Dialog.Close className="quiet-button">{messages.app.close}</Dialog.Close>
      </header>
      <LargeImage images={images} shown={shown} onShow={setShown} onLeave={close} />
    </Dialog.Popup>
  );
}
