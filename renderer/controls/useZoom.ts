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
import { keepInside, placeImage, type Rectangle, type Size, type Zoom, zoomAt, zoomToFit } from './zoom.ts';

/** By how much a key or a button zooms. */
const ZOOM_STEP = 1.25;
/** How far a key moves the image, in pixels. */
const MOVE_STEP = 64;
/** The largest zoom, in pixels of the screen for one of the image. */
const LARGEST = 32;

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [MOVE_STEP, 0],
  ArrowRight: [-MOVE_STEP, 0],
  ArrowUp: [0, MOVE_STEP],
  ArrowDown: [0, -MOVE_STEP],
};

/**
 * Zooms the images of an element by wheel, pointer and keys; several of them lie on one another, and the first one gives
 * their size. Spread `place` on the element, whose style puts its images by `--left`, `--top`, `--width` and `--height`.
 * `percent` counts pixels of the screen, not of the window; it is undefined until an image is there.
 */
export function useZoom() {
  const [ref, place, element] = useSize<HTMLElement>();
  const [natural, setNatural] = useState<Size>();
  /** Undefined: the image fits. */
  const [wanted, setWanted] = useState<Zoom>();
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
        const limits = [Math.min(fitting.scale, pixel), Math.max(fitting.scale, LARGEST * pixel)] as const;
        const zoom = zoomAt(from, point, factor === 'to pixels' ? pixel / from.scale : factor, limits);
        return zoom.scale === fitting.scale ? undefined : keepInside(zoom, natural, place);
      }),
    [ready, place, natural, pixel],
  );
  const moveTo = ({ x, y }: Point) => {
    if (shown && wanted) setWanted(keepInside({ scale: shown.scale, x, y }, natural, place));
  };
  const toFit = () => setWanted(undefined);

  useWheel(element, zoomBy);
  const drag = useDrag(moveTo);
  const isLarger =
    shown && (natural.width * shown.scale > place.width + 0.5 || natural.height * shown.scale > place.height + 0.5);
  const percent = shown ? Math.round((shown.scale / pixel) * 100) : undefined;
  const classes = [isLarger && 'movable', drag.moving && 'moving', percent !== undefined && percent >= 200 && 'crisp'];
  return {
    percent,
    fits: wanted === undefined,
    toFit,
    zoomIn: () => zoomBy(ZOOM_STEP),
    zoomOut: () => zoomBy(1 / ZOOM_STEP),
    toPixels: () => zoomBy('to pixels'),
    /** Whether the key was one of its own. */
    onKey({ key, shiftKey }: KeyboardEvent): boolean {
      const arrow = shiftKey && ARROWS[key];
      if (arrow && shown) moveTo({ x: shown.x + arrow[0], y: shown.y + arrow[1] });
      else if (key === '+' || key === '=') zoomBy(ZOOM_STEP);
      else if (key === '-') zoomBy(1 / ZOOM_STEP);
      else if (key === '1') zoomBy('to pixels');
      else if (/^[0f]$/i.test(key)) toFit();
      else return false;
      return true;
    },
    place: {
      ref,
      className: ['zoom-place', ...classes].filter(Boolean).join(' '),
      style: (shown && toStyle(placeImage(shown, natural, place, pixel))) as CSSProperties | undefined,
      onLoadCapture({ currentTarget }: SyntheticEvent<HTMLElement>) {
        const image = currentTarget.querySelector('img');
        if (image) setNatural({ width: image.naturalWidth, height: image.naturalHeight });
      },
      onDoubleClick(event: MouseEvent<HTMLElement>) {
        if (wanted) toFit();
        else zoomBy('to pixels', locatePointer(event, event.currentTarget));
      },
      onPointerDown(event: PointerEvent<HTMLElement>) {
        if (event.button <= 1 && isLarger && !(event.target instanceof HTMLInputElement)) drag.start(event, shown);
      },
      onPointerMove: drag.onPointerMove,
      onLostPointerCapture: drag.onLostPointerCapture,
    },
  };
}

export type ZoomState = ReturnType<typeof useZoom>;

/** Zooms by the wheel, at the place where the pointer is. */
function useWheel(element: HTMLElement | null, zoomBy: (factor: number, point: Point) => void): void {
  useEffect(() => {
    const onWheel = (event: WheelEvent) => {
      event.preventDefault(); // React's own listeners cannot
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 0.002 : 0.05;
      zoomBy(2 ** (-event.deltaY * unit * (event.ctrlKey ? 10 : 1)), locatePointer(event, element)); // Ctrl: a pinch
    };
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  }, [element, zoomBy]);
}

/** Moves what is pressed with the pointer. */
function useDrag(moveTo: (point: Point) => void) {
  const [moving, setMoving] = useState(false);
  const press = useRef<Point>(undefined); // where the middle of the image would be with the pointer at 0, 0
  return {
    moving,
    start({ currentTarget, pointerId, clientX, clientY }: PointerEvent<HTMLElement>, { x, y }: Point) {
      currentTarget.setPointerCapture(pointerId);
      press.current = { x: x - clientX, y: y - clientY };
      setMoving(true);
    },
    onPointerMove({ clientX, clientY }: PointerEvent) {
      if (press.current) moveTo({ x: press.current.x + clientX, y: press.current.y + clientY });
    },
    onLostPointerCapture() {
      press.current = undefined;
      setMoving(false);
    },
  };
}

/** Where the pointer is, from the middle of an element. */
function locatePointer({ clientX, clientY }: { clientX: number; clientY: number }, element: Element | null): Point {
  const { left = 0, top = 0, width = 0, height = 0 } = element?.getBoundingClientRect() ?? {};
  return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
}

/** The style variables of an image in its place. */
function toStyle({ left, top, width, height }: Rectangle): Record<string, string> {
  return { '--left': `${left}px`, '--top': `${top}px`, '--width': `${width}px`, '--height': `${height}px` };
}
