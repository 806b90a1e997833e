import { type RefObject, useEffect } from 'react';
import { useReactFlow } from 'reactflow';
import { USUAL_SIZE } from '../level/cardShape.ts';
import { useEditor } from '../state/editor.ts';
import type { Point } from '../state/view.ts';
import { type FlowEdge, type FlowNode, flowId } from './flow.ts';
import { READABLE_ZOOM } from './viewport.ts';

/**
 * Lets the rest of the window ask the canvas for what only it knows (`Editor.canvas`). `place` is its element; `pointer`
 * is where the pointer is on the screen, undefined while it is elsewhere.
 */
export function useCanvasView(place: RefObject<HTMLElement | null>, pointer: RefObject<Point | undefined>): void {
  const editor = useEditor();
  const flow = useReactFlow<FlowNode, FlowEdge>();
  useEffect(() => {
    const findCentre = () => {
      const { left, top, width, height } = place.current!.getBoundingClientRect();
      return flow.screenToFlowPosition({ x: left + width / 2, y: top + height / 2 });
    };
    editor.canvas = {
      fit: (items) =>
        void flow.fitView({
          padding: 0.15,
          minZoom: Number.MIN_VALUE,
          maxZoom: 1,
          duration: animate(200),
          ...(items ? { nodes: items.map((item) => ({ id: flowId(item) })) } : {}),
        }),
      zoom: (factor) => void flow.zoomTo(flow.getZoom() * factor, { duration: animate(120) }),
      reveal(id) {
        const node = flow.getInternalNode(flowId({ kind: 'node', id }));
        if (!node) return;
        const { x, y } = node.internals.positionAbsolute;
        const { width = USUAL_SIZE.width, height = USUAL_SIZE.height } = node.measured;
        const seen = editor.canvas!.seen();
        const isSeen = x >= seen.left && y >= seen.top && x + width <= seen.right && y + height <= seen.bottom;
        const zoom = Math.max(flow.getZoom(), READABLE_ZOOM);
        if (isSeen && zoom === flow.getZoom()) return;
        void flow.setCenter(x + width / 2, y + height / 2, { zoom, duration: animate(200) });
      },
      seen() {
        const { left, top, right, bottom } = place.current!.getBoundingClientRect();
        const [from, to] = [
          { x: left, y: top },
          { x: right, y: bottom },
        ].map((at) => flow.screenToFlowPosition(at));
        return { left: from!.x, top: from!.y, right: to!.x, bottom: to!.y };
      },
      pointer: () => (pointer.current ? flow.screenToFlowPosition(pointer.current) : findCentre()),
      screenOf: (point) => flow.flowToScreenPosition(point),
      placeAt: (screen) => flow.screenToFlowPosition(screen),
      sizeOf(id) {
        const measured = flow.getInternalNode(flowId({ kind: 'node', id }))?.measured;
        return { width: measured?.width ?? USUAL_SIZE.width, height: measured?.height ?? USUAL_SIZE.height };
      },
    };
    const stay = stayInPlace(place.current!, (by) => {
      const { x, y, zoom } = flow.getViewport();
      void flow.setViewport({ x: x - by, y, zoom });
    });
    return () => {
      stay();
      editor.canvas = undefined;
    };
  }, [editor, flow, place, pointer]);
}

/** The duration of a view animation in milliseconds: 0 where the user prefers reduced motion. */
function animate(milliseconds: number): number {
  return matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : milliseconds;
}

/** Says by how many pixels an element moved sideways, as a panel opens or closes beside it: what it shows is to stay in place. */
function stayInPlace(element: HTMLElement, moved: (by: number) => void): () => void {
  let { left } = element.getBoundingClientRect();
  const observer = new ResizeObserver(() => {
    const now = element.getBoundingClientRect().left;
    if (now !== left) moved(now - left);
    left = now;
  });
  observer.observe(element);
  return () => observer.disconnect();
}
