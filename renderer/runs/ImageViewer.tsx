import { Grid2x2 } from 'lucide-react';
import { useState } from 'react';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { LargeImage } from '../controls/LargeImage.tsx';
import { messages } from '../state/messages.ts';
import { ImageGrid } from './ImageGrid.tsx';
import { listImages } from './listImages.ts';

/** The images of a run: all of them, one of them large, or two with a slider between; large ones can be zoomed. */
export function ImageViewer({ run }: { run: RunSummary }) {
  const images = listImages(run);
  const [shown, setShown] = useState<number>();
  /** The image that was shown last: the focus returns to it. */
  const [last, setLast] = useState<number>();
  if (images.length === 0) return <p className="empty">{messages.results.noImages}</p>;
  if (shown === undefined || !images[shown]) return <ImageGrid images={images} last={last} onShow={setShown} />;
  const leave = () => {
    setLast(shown);
    setShown(undefined);
  };
  return (
    <LargeImage
      images={images}
      shown={shown}
      onShow={setShown}
      onLeave={leave}
      leave={
        <button type="button" className="button" onClick={leave}>
          <Grid2x2 size={14} aria-hidden /> {messages.results.tabs.images}
        </button>
      }
    />
  );
}
