import { useRef } from 'react';
import { useReactFlow } from 'reactflow';
import { widenNode } from '../../graphs/edit/edit.ts';
import { WIDTHS } from '../level/cardShape.ts';
import { snap } from '../level/grid.ts';
import { useEditor } from '../state/editor.ts';
import { editGraph, endGroup } from '../state/graph.ts';
import { messages } from '../state/messages.ts';

/** The right edge of a node: dragged, it sets the width; a double click gives back the width of the content. */
export function WidthEdge({ id, width }: { id: string; width: number }) {
  const { graph } = useEditor();
  const flow = useReactFlow();
  const press = useRef<{ readonly x: number; readonly width: number }>(undefined);
  const widen = (next: number | undefined) =>
    editGraph(graph, (document) => widenNode(document, id, next), `width ${id}`);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: nodes are as wide as their content without it
    <div
      className="width-edge nodrag nopan"
      title={messages.node.width}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        press.current = { x: event.clientX, width };
      }}
      onPointerMove={({ clientX }) => {
        if (!press.current) return;
        const next = snap(press.current.width + (clientX - press.current.x) / flow.getZoom());
        if (next !== width) widen(Math.min(WIDTHS.most, Math.max(WIDTHS.least, next)));
      }}
      onPointerUp={() => {
        press.current = undefined;
        endGroup(graph);
      }}
      onDoubleClick={(event) => {
        event.stopPropagation();
        widen(undefined);
        endGroup(graph);
      }}
    />
  );
}
