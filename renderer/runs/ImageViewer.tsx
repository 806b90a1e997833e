import {
  ChevronLeft,
  ChevronRight,
  Download,
  Grid2x2,
  Maximize,
  Minus,
  Plus,
  SquareSplitHorizontal,
} from 'lucide-react';
import { useCallback, useState } from 'react';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { BeforeAfter } from '../controls/BeforeAfter.tsx';
import { useZoom } from '../controls/useZoom.ts';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { attempt } from '../state/session.ts';
import { captionOf, imagesOfRun } from './imagesOfRun.ts';
import { RunImage } from './RunImage.tsx';

/** The images of a run: all of them, one of them large, or two with a slider between; large ones can be zoomed. */
export function ImageViewer({ run }: { run: RunSummary }) {
  const editor = useEditor();
  const images = imagesOfRun(run);
  const viewer = useCallback((element: HTMLElement | null) => element?.focus(), []); // its keys work at once
  const [shown, setShown] = useState<number>();
  const [before, setBefore] = useState<number>();
  /** The image that was shown last: the focus returns to it. */
  const [last, setLast] = useState<number>();
  const zoom = useZoom();
  const { folder } = run;
  const show = (next: number | undefined) => {
    setLast(shown);
    zoom.toFit();
    setShown(next);
  };
  if (images.length === 0) return <p className="empty">{messages.results.noImages}</p>;
  const image = shown === undefined ? undefined : images[shown];
  if (!image || shown === undefined) {
    return (
      <ul className="image-grid">
        {images.map(({ name }, i) => (
          <li key={name}>
            <button
              type="button"
              // biome-ignore lint/a11y/noAutofocus: where the user was before
              autoFocus={i === last}
              onClick={() => show(i)}
            >
              <RunImage folder={folder} name={name} alt="" />
              <span className="caption">{captionOf(images[i])}</span>
            </button>
          </li>
        ))}
      </ul>
    );
  }
  const step = (by: number) => setShown((shown + by + images.length) % images.length);
  const first = before === undefined ? undefined : images[before];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the buttons below do the same
    <div
      className="viewer"
      tabIndex={-1}
      ref={viewer}
      onKeyDown={(event) => {
        const { key, target } = event;
        if (target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
        if (zoom.onKey(event)) event.preventDefault();
        else if (target instanceof HTMLInputElement) return;
        else if (key === 'ArrowLeft') step(-1);
        else if (key === 'ArrowRight') step(1);
        else if (key === 'Escape') show(undefined);
      }}
    >
      <div className="viewer-bar">
        <button type="button" className="button" onClick={() => show(undefined)}>
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
        <span className="caption">{captionOf(image)}</span>
        <label className="viewer-choice">
          <SquareSplitHorizontal size={14} aria-hidden /> {messages.results.beforeAfter}
          <select
            className="field"
            value={before ?? ''}
            onChange={({ target }) => setBefore(target.value === '' ? undefined : Number(target.value))}
          >
            <option value="">–</option>
            {images.map(({ name }, i) => (
              <option key={name} value={i}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <ZoomButtons zoom={zoom} />
        <button
          type="button"
          className="button"
          onClick={() =>
            void attempt(editor, async () => {
              const bytes = await editor.desktop.readRunFile(folder, image.name);
              await editor.desktop.exportFile(image.name.split('/').at(-1) as string, bytes);
            })
          }
        >
          <Download size={14} aria-hidden /> {messages.results.png}
        </button>
      </div>
      <div {...zoom.place}>
        {first ? (
          <BeforeAfter
            before={<RunImage folder={folder} name={first.name} alt={captionOf(first)} />}
            after={<RunImage folder={folder} name={image.name} alt={captionOf(image)} />}
          />
        ) : (
          <RunImage folder={folder} name={image.name} alt={image.label?.prompt ?? image.name} />
        )}
      </div>
    </div>
  );
}

function ZoomButtons({ zoom }: { zoom: ReturnType<typeof useZoom> }) {
  const { zoom: texts } = messages.results;
  return (
    // biome-ignore lint/a11y/useSemanticElements: no fields, which a fieldset is for
    <div className="zoom-buttons" role="group" aria-label={texts.name}>
      <button
        type="button"
        className="icon-button"
        aria-label={texts.out}
        aria-keyshortcuts="-"
        title={`${texts.out} (-)`}
        onClick={zoom.zoomOut}
      >
        <Minus size={16} aria-hidden />
      </button>
      <output>{zoom.percent !== undefined && texts.percent(zoom.percent)}</output>
      <button
        type="button"
        className="icon-button"
        aria-label={texts.in}
        aria-keyshortcuts="+"
        title={`${texts.in} (+)`}
        onClick={zoom.zoomIn}
      >
        <Plus size={16} aria-hidden />
      </button>
      <button
        type="button"
        className="button"
        aria-label={texts.pixels}
        aria-keyshortcuts="1"
        title={`${texts.pixels} (1)`}
        onClick={zoom.toPixels}
      >
        {texts.oneToOne}
      </button>
      <button
        type="button"
        className="button"
        aria-keyshortcuts="0 F"
        title={`${texts.fitHelp} (0)`}
        aria-pressed={zoom.fits}
        onClick={zoom.toFit}
      >
        <Maximize size={14} aria-hidden /> {texts.fit}
      </button>
    </div>
  );
}
