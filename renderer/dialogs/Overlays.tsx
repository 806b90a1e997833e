import { Dialog } from '@base-ui/react/dialog';
import { useEditor, useView } from '../state/editor.ts';
import type { Overlay } from '../state/view.ts';
import { About } from './About.tsx';
import { AddNode } from './AddNode.tsx';
import { AllCommands } from './AllCommands.tsx';
import { Closing } from './Closing.tsx';
import { Connect } from './Connect.tsx';
import { Discard } from './Discard.tsx';
import { Dropped } from './Dropped.tsx';
import { FindNode } from './FindNode.tsx';
import { RunLog } from './RunLog.tsx';
import { SaveAs } from './SaveAs.tsx';
import { Settings } from './Settings.tsx';
import { Shortcuts } from './Shortcuts.tsx';
import { Viewer } from './Viewer.tsx';

/** What lies over the window: one thing at a time, closed by Escape or a click beside it. */
export function Overlays() {
  const { view } = useEditor();
  const overlay = useView((state) => state.overlay);
  const close = () => view.setState({ overlay: undefined });
  if (!overlay) return null;
  return (
    <Dialog.Root key={overlay.kind} open onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={overlay.kind === 'addNode' ? 'backdrop clear' : 'backdrop'} />
        <Shown overlay={overlay} close={close} />
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Shown({ overlay, close }: { overlay: Overlay; close(): void }) {
  switch (overlay.kind) {
    case 'addNode':
      return <AddNode overlay={overlay} close={close} />;
    case 'commands':
      return <AllCommands close={close} />;
    case 'connect':
      return <Connect overlay={overlay} close={close} />;
    case 'dropped':
      return <Dropped overlay={overlay} close={close} />;
    case 'findNode':
      return <FindNode close={close} />;
    case 'shortcuts':
      return <Shortcuts />;
    case 'settings':
      return <Settings />;
    case 'about':
      return <About />;
    case 'saveAs':
      return <SaveAs close={close} />;
    case 'closing':
      return <Closing close={close} />;
    case 'log':
      return <RunLog folder={overlay.folder} />;
    case 'viewer':
      return <Viewer overlay={overlay} close={close} />;
    case 'discard':
      return <Discard proceed={overlay.proceed} close={close} />;
  }
}
