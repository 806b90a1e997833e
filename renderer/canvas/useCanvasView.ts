import { type RefObject, useEffect } from 'react';
import { useReactFlow } from 'reactflow';
import { USUAL_SIZE } from '../level/cardShape.ts';
import { useEditor } from '../state/editor.ts';
import type { Point } from '../state/view.ts';
import { type FlowEdge, type FlowNode, flowId } from './flow.ts';

/** Pixels of the canvas around a place that must be seen with it. */
const REVEAL_MARGIN = 120;

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
          maxZoom: 1,
          duration: animate(200),
          ...(items ? { nodes: items.map((item) => ({ id: flowId(item) })) } : {}),
        }),
      zoom: (factor) => void flow.zoomTo(flow.getZoom() * factor, { duration: animate(120) }),
      reveal({ x, y }) {
        const { left, top, right, bottom } = place.current!.getBoundingClientRect();
        const seen = flow.flowToScreenPosition({ x, y });
        const margin = REVEAL_MARGIN * flow.getZoom();
        const isSeen =
          seen.x > left + margin && seen.x < right - margin && seen.y > top + margin && seen.y < bottom - margin;
        if (!isSeen) void flow.setCenter(x, y, { zoom: flow.getZoom(), duration: animate(200) });
      },
      centre: findCentre,
      pointer: () => (pointer.current ? flow.screenToFlowPosition(pointer.current) : findCentre()),
      screenOf: (point) => flow.flowToScreenPosition(point),
      sizeOf(id) {
        const measured = flow.getInternalNode(flowId({ kind: 'node', id }))?.measured;
        return { width: measured?.width ?? USUAL_SIZE.width, height: measured?.height ?? USUAL_SIZE.height };
      },
    };
    return () => {
      editor.canvas = undefined;
    };
  }, [editor, flow, place, pointer]);
}

/** The duration of a view animation in milliseconds: 0 where the user prefers reduced motion. */
function animate(milliseconds: number): number {
  return matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : milliseconds;
}
