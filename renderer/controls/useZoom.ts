import {
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type SyntheticEvent,
  useCallback,
  useEffect,
  useRef,
  useState,
} from 'react';
import type { Point } from '../state/view.ts';
import { useSize } from './useSize.ts';
import { keepInside, type Size, type Zoom, zoomAt, zoomToFit } from './zoom.ts';

/** By how much a key or a button zooms, how far a key moves in pixels, and the largest zoom. */
const [STEP, MOVE, MOST] = [1.25, 64, 32];

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [MOVE, 0],
  ArrowRight: [-MOVE, 0],
  ArrowUp: [0, MOVE],
  ArrowDown: [0, -MOVE],
};

/**
 * Zooms the images of an element by wheel, pointer and keys; several of them lie on one another, and the first one gives
 * their size. Spread `place` on the element, whose style puts its images by `--left`, `--top`, `--width` and `--height`.
 * `percent` counts pixels of the screen, not of the window; it is undefined until a natural is there.
 */
export function useZoom() {
  const [ref, place, element] = useSize<HTMLElement>();
  const [natural, setNatural] = useState<Size>();
  /** Undefined: the natural fits. */
  const [wanted, setWanted] = useState<Zoom>();
  const [moving, setMoving] = useState(false);
  const press = useRef<Point>(undefined); // where the middle of the natural would be with the pointer at 0, 0
  const pixel = 1 / devicePixelRatio;
  const ready = place && natural && Math.min(place.width, place.height, natural.width, natural.height) > 0;
  const fitting = ready && zoomToFit(natural, place);
  const shown = fitting && (wanted ? keepInside(wanted, natural, place) : fitting);

  const zoomBy = useCallback(
    (factor: number | 'to pixels', point: Point = { x: 0, y: 0 }) =>
      setWanted((before) => {
        if (!ready) return before;
        const fitting = zoomToFit(natural, place);
        const from = before ? keepInside(before, natural, place) : fitting;
        const limits = [Math.min(fitting.scale, pixel), Math.max(fitting.scale, MOST * pixel)] as const;
        const zoom = zoomAt(from, point, factor === 'to pixels' ? pixel / from.scale : factor, limits);
        return zoom.scale === fitting.scale ? undefined : keepInside(zoom, natural, place);
      }),
    [ready, place, natural, pixel],
  );
  const moveTo = ({ x, y }: Point) => {
    if (shown && wanted) setWanted(keepInside({ scale: shown.scale, x, y }, natural, place));
  };
  const toFit = () => setWanted(undefined);

  useEffect(() => {
    const onWheel = (event: WheelEvent) => {
      event.preventDefault(); // React's own listeners cannot
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 0.002 : 0.05;
      zoomBy(2 ** (-event.deltaY * unit * (event.ctrlKey ? 10 : 1)), pointOf(event, element)); // Ctrl: a pinch
    };
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  }, [element, zoomBy]);

  const isLarger =
    shown && (natural.width * shown.scale > place.width + 0.5 || natural.height * shown.scale > place.height + 0.5);
  const percent = shown ? Math.round((shown.scale / pixel) * 100) : undefined;
  const classes = [isLarger && 'movable', moving && 'moving', percent !== undefined && percent >= 200 && 'crisp'];
  return {
    percent,
    fits: wanted === undefined,
    toFit,
    zoomIn: () => zoomBy(STEP),
    zoomOut: () => zoomBy(1 / STEP),
    toPixels: () => zoomBy('to pixels'),
    /** Whether the key was one of its own. */
    onKey({ key, shiftKey }: KeyboardEvent): boolean {
      const arrow = shiftKey && arrows[key];
      if (arrow && shown) moveTo({ x: shown.x + arrow[0], y: shown.y + arrow[1] });
      else if (key === '+' || key === '=') zoomBy(STEP);
      else if (key === '-') zoomBy(1 / STEP);
      else if (key === '1') zoomBy('to pixels');
      else if (/^[0f]$/i.test(key)) toFit();
      else return false;
      return true;
    },
    place: {
      ref,
      className: ['zoom-place', ...classes].filter(Boolean).join(' '),
      style: (shown && styleOf(shown, natural, place, pixel)) as CSSProperties | undefined,
      onLoadCapture({ currentTarget }: SyntheticEvent<HTMLElement>) {
        const image = currentTarget.querySelector('img');
        if (image) setNatural({ width: image.naturalWidth, height: image.naturalHeight });
      },
      onDoubleClick(event: MouseEvent<HTMLElement>) {
        if (wanted) toFit();
        else zoomBy('to pixels', pointOf(event, event.currentTarget));
      },
      onPointerDown({ button, clientX, clientY, pointerId, currentTarget, target }: PointerEvent<HTMLElement>) {
        if (button > 1 || !isLarger || target instanceof HTMLInputElement) return;
        currentTarget.setPointerCapture(pointerId);
        press.current = { x: shown.x - clientX, y: shown.y - clientY };
        setMoving(true);
      },
      onPointerMove({ clientX, clientY }: PointerEvent) {
        if (press.current) moveTo({ x: press.current.x + clientX, y: press.current.y + clientY });
      },
      onLostPointerCapture() {
        press.current = undefined;
        setMoving(false);
      },
    },
  };
}

function pointOf({ clientX, clientY }: { clientX: number; clientY: number }, element: Element | null): Point {
  const { left = 0, top = 0, width = 0, height = 0 } = element?.getBoundingClientRect() ?? {};
  return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
}

/** On whole pixels of the screen: 1:1 is exact. */
function styleOf({ scale, x, y }: Zoom, natural: Size, place: Size, pixel: number) {
  const along = (middle: number, length: number) => {
    const start = Math.round((middle - (length * scale) / 2) / pixel) * pixel;
    return [start, Math.round((length * scale) / pixel) * pixel] as const;
  };
  const [left, width] = along(place.width / 2 + x, natural.width);
  const [top, height] = along(place.height / 2 + y, natural.height);
  return { '--left': `${left}px`, '--top': `${top}px`, '--width': `${width}px`, '--height': `${height}px` };
}
