import { messages } from '../state/messages.ts';
import type { Overlay } from '../state/view.ts';
import { Box } from './Box.tsx';

/** Asks what is meant by an image that carries the graph which made it. */
export function Dropped({ overlay, close }: { overlay: Extract<Overlay, { kind: 'dropped' }>; close(): void }) {
  const choose = (action: () => void) => () => {
    close();
    action();
  };
  return (
    <Box title={overlay.name}>
      <p>{messages.drop.carriesGraph}</p>
      <footer className="dialog-end">
        <button type="button" className="button" onClick={choose(overlay.load)}>
          {messages.drop.load}
        </button>
        <button type="button" className="button primary" onClick={choose(overlay.open)}>
          {messages.drop.open}
        </button>
      </footer>
    </Box>
  );
}
