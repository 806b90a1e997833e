import { ChevronLeft, ChevronRight, Download, SquareSplitHorizontal } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useCallback, useState } from 'react';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import type { ViewedImage } from '../state/viewedImages.ts';
import { BarChoice } from './BarChoice.tsx';
import { BeforeAfter } from './BeforeAfter.tsx';
import { RunImage } from './RunImage.tsx';
import { useZoom } from './useZoom.ts';
import { ZoomButtons } from './ZoomButtons.tsx';

interface LargeImageProps {
  readonly images: readonly ViewedImage[];
  readonly shown: number;
  /** A button that leaves the viewer, at the start of its bar. */
  readonly leave?: ReactNode;
  onShow(place: number): void;
  onLeave(): void;
}

/** One of several images, large, and what can be done with it by buttons and keys; another can lie over it behind a slider. */
export function LargeImage({ images, shown, leave, onShow, onLeave }: LargeImageProps) {
  const viewer = useCallback((element: HTMLElement | null) => element?.focus(), []); // its keys work at once
  const [before, setBefore] = useState<string>();
  const zoom = useZoom();
  const image = images[shown]!;
  const first = images.find(({ key }) => key === before);
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
        {leave}
        <button type="button" className="icon-button" aria-label={messages.results.previous} onClick={() => step(-1)}>
          <ChevronLeft size={18} aria-hidden />
        </button>
        <span>
          {shown + 1} / {images.length}
        </span>
        <button type="button" className="icon-button" aria-label={messages.results.next} onClick={() => step(1)}>
          <ChevronRight size={18} aria-hidden />
        </button>
        <span className="caption" title={image.caption}>
          {image.caption}
        </span>
        {images.length > 1 && <BeforeChoice images={images} value={before} onChange={setBefore} />}
        <ZoomButtons zoom={zoom} />
        <ExportButton image={image} />
      </div>
      <div {...zoom.place}>
        {first ? (
          <BeforeAfter
            before={<RunImage image={first} alt={first.caption} />}
            after={<RunImage image={image} alt={image.caption} />}
          />
        ) : (
          <RunImage image={image} alt={image.label?.prompt ?? image.name} />
        )}
      </div>
    </div>
  );
}

interface BeforeChoiceProps {
  readonly images: readonly ViewedImage[];
  readonly value: string | undefined;
  onChange(key: string | undefined): void;
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
      onChange={(key) => onChange(key === '' ? undefined : key)}
    >
      <option value="">–</option>
      {images.map(({ key, caption }) => (
        <option key={key} value={key}>
          {caption}
        </option>
      ))}
    </BarChoice>
  );
}

function ExportButton({ image: { folder, name, bytes } }: { image: ViewedImage }) {
  const editor = useEditor();
  const save = async () => {
    const found = bytes ?? (folder === undefined ? undefined : await editor.desktop.readRunFile(folder, name));
    if (found) await editor.desktop.exportFile(name.split('/').at(-1)!, found);
  };
  return (
    <button type="button" className="button" onClick={() => void attempt(editor, save)}>
      <Download size={14} aria-hidden /> {messages.results.png}
    </button>
  );
}
