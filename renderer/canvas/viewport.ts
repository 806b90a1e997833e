import { getNodesBounds, getViewportForBounds, type Viewport } from 'reactflow';
import type { Editor } from '../state/editor.ts';
import { levelName } from '../state/graph.ts';
import type { FlowNode } from './flow.ts';

/*
 * Where a level is looked at from.
 */

/** The view of an ordinary graph zooms out to this. */
const MIN_ZOOM = 0.05;
/** Room around a graph that is seen as a whole, in parts of its size. */
const PADDING = 0.12;
/** From this zoom on texts in nodes can be read at ease. */
export const READABLE_ZOOM = 0.8;
/** Below this zoom nobody can read what is in a node: it is drawn as a box with its title. */
const FAR_ZOOM = 0.4;

/** A viewport with its size on the screen in pixels. */
export interface SizedViewport extends Viewport {
  readonly width: number;
  readonly height: number;
}

/** A graph that does not fit at a zoom at which it can be read is shown from its beginning, unless it is far larger. */
const READ_FROM_ZOOM = 0.4;
/** Pixels of the screen around the beginning of a graph. */
const MARGIN = 24;

/**
 * Where a level was looked at last, or else where all of it is seen, no node larger than it is; one that could not be read so
 * is shown from its top left corner on.
 */
export function recallViewport(editor: Editor, nodes: readonly FlowNode[], width: number, height: number): Viewport {
  const { viewports } = editor.view.getState();
  const kept = viewports[levelName(editor.graph.getState())];
  if (kept) return kept;
  const bounds = getNodesBounds(nodes as FlowNode[]);
  const whole = getViewportForBounds(bounds, width, height, 0, 1, PADDING);
  if (whole.zoom >= READABLE_ZOOM || whole.zoom < READ_FROM_ZOOM) return whole;
  const zoom = READABLE_ZOOM;
  const start = (from: number, length: number, room: number) =>
    length * zoom + 2 * MARGIN <= room ? (room - length * zoom) / 2 - from * zoom : MARGIN - from * zoom;
  return { x: start(bounds.x, bounds.width, width), y: start(bounds.y, bounds.height, height), zoom };
}

/** The zoom to which the view may go out: all of the nodes are seen, however many there are. */
export function leastZoom(
  nodes: readonly FlowNode[],
  { width, height }: Pick<SizedViewport, 'width' | 'height'>,
): number {
  const bounds = getNodesBounds(nodes as FlowNode[]);
  const whole = getViewportForBounds(bounds, width, height, 0, 1, PADDING * 2).zoom;
  return Math.min(MIN_ZOOM, Math.max(whole, Number.MIN_VALUE));
}

export function keepViewport({ graph, view }: Editor, viewport: Viewport): void {
  view.setState(({ viewports }) => ({ viewports: { ...viewports, [levelName(graph.getState())]: viewport } }));
}

/** Tells the view whether nodes can be read at a zoom. */
export function noteZoom({ view }: Editor, zoom: number): void {
  const far = zoom < FAR_ZOOM;
  if (view.getState().far !== far) view.setState({ far });
}
