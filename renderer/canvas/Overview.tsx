import { memo, useDeferredValue, useLayoutEffect, useMemo, useRef } from 'react';
import { getNodesBounds, type ReactFlowState, type Rect, useReactFlow, useStore, useStoreApi } from 'reactflow';
import { messages } from '../state/messages.ts';
import type { FlowNode } from './flow.ts';

/** Pixels that the map takes on the screen. */
const WIDTH = 144;
const HEIGHT = 96;
/** Pixels around the nodes in it. */
const MARGIN = 6;

interface OverviewProps {
  readonly nodes: readonly FlowNode[];
}

/**
 * The whole level in small, with the part that is seen marked in it; pointing into it looks there, the wheel zooms. Where
 * all of the level is seen, a map of it would only lie over nodes.
 */
export const Overview = memo(({ nodes: now }: OverviewProps) => {
  const nodes = useDeferredValue(now);
  const store = useStoreApi();
  const flow = useReactFlow();
  const map = useRef<HTMLDivElement>(null);
  const seen = useRef<HTMLDivElement>(null);
  const bounds = useMemo(() => getNodesBounds(nodes as FlowNode[]), [nodes]);
  const { scale, left, top } = useMemo(() => placeInMap(bounds), [bounds]);
  const isNeeded = useStore((view) => !isSeenWhole(bounds, view));

  useLayoutEffect(() => {
    const put = ({ transform: [x, y, zoom], width, height }: ReturnType<typeof store.getState>) => {
      if (!seen.current) return;
      const { style } = seen.current;
      style.width = `${(width / zoom) * scale}px`;
      style.height = `${(height / zoom) * scale}px`;
      style.transform = `translate(${left + (-x / zoom) * scale}px, ${top + (-y / zoom) * scale}px)`;
    };
    put(store.getState());
    return store.subscribe(put);
  }, [store, scale, left, top]);

  const look = ({ clientX, clientY }: React.PointerEvent) => {
    const place = map.current?.getBoundingClientRect();
    if (!place) return;
    const [x, y] = [(clientX - place.left - left) / scale, (clientY - place.top - top) / scale];
    void flow.setCenter(x, y, { zoom: flow.getZoom() });
  };
  return (
    <div
      ref={map}
      className="overview nopan nowheel"
      hidden={!isNeeded}
      role="img"
      aria-label={messages.canvas.minimap}
      style={{ width: WIDTH, height: HEIGHT }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        look(event);
      }}
      onPointerMove={(event) => event.buttons === 1 && look(event)}
      onWheel={({ deltaY }) => void flow.zoomTo(flow.getZoom() * 2 ** (-deltaY / 400))}
    >
      <svg width={WIDTH} height={HEIGHT} aria-hidden>
        <g transform={`translate(${left} ${top}) scale(${scale})`}>
          <path className="overview-mark" d={outlineBoxes(nodes, true)} />
          <path className="overview-node" d={outlineBoxes(nodes, false)} />
        </g>
      </svg>
      <div ref={seen} className="overview-seen" />
    </div>
  );
});

/** Fits the nodes' bounds into the map: map pixels per canvas pixel, and where the canvas origin lies. */
function placeInMap({ x, y, width, height }: Rect): {
  readonly scale: number;
  readonly left: number;
  readonly top: number;
} {
  const scale = Math.min((WIDTH - 2 * MARGIN) / Math.max(1, width), (HEIGHT - 2 * MARGIN) / Math.max(1, height), 0.2);
  return { scale, left: (WIDTH - width * scale) / 2 - x * scale, top: (HEIGHT - height * scale) / 2 - y * scale };
}

function isSeenWhole(bounds: Rect, { transform: [x, y, zoom], width, height }: ReactFlowState): boolean {
  const [left, top] = [bounds.x * zoom + x, bounds.y * zoom + y];
  return left >= 0 && top >= 0 && left + bounds.width * zoom <= width && top + bounds.height * zoom <= height;
}

/** One SVG path around all nodes, or around all notes and frames. */
function outlineBoxes(nodes: readonly FlowNode[], marks: boolean): string {
  return nodes
    .filter(({ type }) => (type === 'note' || type === 'frame') === marks)
    .map(({ position, measured, width, height }) => {
      const [across, down] = [measured?.width ?? width ?? 0, measured?.height ?? height ?? 0];
      return `M${position.x} ${position.y}h${across}v${down}h${-across}z`;
    })
    .join('');
}
