import { ChevronLeft, ChevronRight, Download, Grid2x2, SquareSplitHorizontal } from 'lucide-react';
import { type KeyboardEvent, useCallback, useState } from 'react';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { BeforeAfter } from '../controls/BeforeAfter.tsx';
import { useZoom } from '../controls/useZoom.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { BarChoice } from './BarChoice.tsx';
import { ImageGrid } from './ImageGrid.tsx';
import { ImageOptions } from './ImageOptions.tsx';
import { captionImage, listImages } from './listImages.ts';
import { RunImage } from './RunImage.tsx';
import { ZoomButtons } from './ZoomButtons.tsx';

/** The images of a run: all of them, one of them large, or two with a slider between; large ones can be zoomed. */
export function ImageViewer({ run }: { run: RunSummary }) {
  const images = listImages(run);
  const [shown, setShown] = useState<number>();
  const [before, setBefore] = useState<number>();
  /** The image that was shown last: the focus returns to it. */
  const [last, setLast] = useState<number>();
  const { folder } = run;
  if (images.length === 0) return <p className="empty">{messages.results.noImages}</p>;
  if (shown === undefined || !images[shown])
    return <ImageGrid folder={folder} images={images} last={last} onShow={setShown} />;
  const leave = () => {
    setLast(shown);
    setShown(undefined);
  };
  return (
    <LargeImage
      folder={folder}
      images={images}
      shown={shown}
      before={before}
      onShow={setShown}
      onBefore={setBefore}
      onLeave={leave}
    />
  );
}

interface LargeImageProps {
  readonly folder: string;
  readonly images: RunSummary['outputs'];
  readonly shown: number;
  /** The image that lies over it behind a slider, if one does. */
  readonly before: number | undefined;
  onShow(place: number): void;
  onBefore(place: number | undefined): void;
  onLeave(): void;
}

/** One image of a run, and what can be done with it by buttons and keys. */
function LargeImage({ folder, images, shown, before, onShow, onBefore, onLeave }: LargeImageProps) {
  const viewer = useCallback((element: HTMLElement | null) => element?.focus(), []); // its keys work at once
  const zoom = useZoom();
  const image = images[shown]!;
  const first = before === undefined ? undefined : images[before];
  const step = (by: number) => onShow((shown + by + images.length) % images.length);
  const onKey = (event: KeyboardEvent) => {
    const { key, target } = event;
    if (target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
    if (zoom.onKey(event)) event.preventDefault();
    else if (target instanceof HTMLInputElement) return;
    else if (key === 'ArrowLeft') step(-1);
    else if (key === 'ArrowRight') step(1);
    else if (key === 'Escape') onLeave();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the buttons below do the same
    <div className="viewer" tabIndex={-1} ref={viewer} onKeyDown={onKey}>
      <div className="viewer-bar">
        <button type="button" className="button" onClick={onLeave}>
          <Grid2x2 size={14} aria-hidden /> {messages.results.tabs.images}
        </button>
        <button type="button" className="icon-button" aria-label={messages.results.previous} onClick={() => step(-1)}>
          <ChevronLeft size={18} aria-hidden />
        </button>
        <span>
          {shown + 1} / {images.length}
        </span>
        <button type="button" className="icon-button" aria-label={messages.results.next} onClick={() => step(1)}>
          <ChevronRight size={18} aria-hidden />
        </button>
        <span className="caption">{captionImage(image)}</span>
        <BeforeChoice images={images} value={before} onChange={onBefore} />
        <ZoomButtons zoom={zoom} />
        <ExportButton folder={folder} name={image.name} />
      </div>
      <div {...zoom.place}>
        {first ? (
          <BeforeAfter
            before={<RunImage folder={folder} name={first.name} alt={captionImage(first)} />}
            after={<RunImage folder={folder} name={image.name} alt={captionImage(image)} />}
          />
        ) : (
          <RunImage folder={folder} name={image.name} alt={image.label?.prompt ?? image.name} />
        )}
      </div>
    </div>
  );
}

interface BeforeChoiceProps {
  readonly images: RunSummary['outputs'];
  readonly value: number | undefined;
  onChange(place: number | undefined): void;
}

/** Which image, if any, the one that is shown is compared with. */
function BeforeChoice({ images, value, onChange }: BeforeChoiceProps) {
  return (
    <BarChoice
      label={
        <>
          <SquareSplitHorizontal size={14} aria-hidden /> {messages.results.beforeAfter}
        </>
      }
      value={value ?? ''}
      onChange={(place) => onChange(place === '' ? undefined : Number(place))}
    >
      <option value="">–</option>
      <ImageOptions images={images} />
    </BarChoice>
  );
}

function ExportButton({ folder, name }: { folder: string; name: string }) {
  const editor = useEditor();
  const save = async () => {
    const bytes = await editor.desktop.readRunFile(folder, name);
    await editor.desktop.exportFile(name.split('/').at(-1)!, bytes);
  };
  return (
    <button type="button" className="button" onClick={() => void attempt(editor, save)}>
      <Download size={14} aria-hidden /> {messages.results.png}
    </button>
  );
}
