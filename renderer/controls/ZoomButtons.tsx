import { Maximize, Minus, Plus } from 'lucide-react';
import { messages } from '../state/messages.ts';
import type { ZoomState } from './useZoom.ts';

/** Zooms the image that is shown large, and says how large it is. */
export function ZoomButtons({ zoom }: { zoom: ZoomState }) {
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
