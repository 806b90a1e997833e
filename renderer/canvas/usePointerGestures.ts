import { type RefObject, useMemo } from 'react';
import { type ReactFlowProps, useReactFlow } from 'reactflow';
import { addNodeAt, addReroute } from '../commands/add.ts';
import { goInside } from '../commands/levels.ts';
import { CARD_DRAG_TYPE } from '../controls/cardChoice.ts';
import { useEditor } from '../state/editor.ts';
import { type CanvasItem, isSameItem } from '../state/selection.ts';
import { type Point, select, type ViewStore } from '../state/view.ts';
import { type FlowEdge, type FlowNode, readConnection, readFlowId } from './flow.ts';
import { keepViewport, noteZoom } from './viewport.ts';

/**
 * Clicks, drops and moves of the view. Like all that React Flow is given, the same in every frame: else it would draw every
 * node anew.
 */
export function usePointerGestures(place: RefObject<HTMLElement | null>, pointer: RefObject<Point | undefined>) {
  const editor = useEditor();
  const flow = useReactFlow<FlowNode, FlowEdge>();
  return useMemo(() => {
    const { graph, view } = editor;
    const toPoint = ({ clientX, clientY }: React.MouseEvent) => flow.screenToFlowPosition({ x: clientX, y: clientY });
    const rerouteAt = (event: React.MouseEvent, edge: FlowEdge) => {
      const arrived = readConnection(edge);
      if (arrived) addReroute(editor, arrived, toPoint(event));
    };
    return {
      onPointerMove({ clientX, clientY }) {
        pointer.current = { x: clientX, y: clientY };
      },
      onPointerLeave({ relatedTarget }) {
        if (relatedTarget instanceof Element && !relatedTarget.closest('.app')) return; // a menu or a search of that place
        pointer.current = undefined;
      },
      onDragOver: (event) => event.dataTransfer.types.includes(CARD_DRAG_TYPE) && event.preventDefault(),
      onDrop(event) {
        const card = graph.getState().cards.get(event.dataTransfer.getData(CARD_DRAG_TYPE));
        if (!card) return;
        event.preventDefault();
        addNodeAt(editor, card, toPoint(event));
      },
      onMoveStart: (event) => event?.type === 'mousedown' && place.current?.classList.add('moving'),
      onMove: (_event, { zoom }) => noteZoom(editor, zoom),
      onMoveEnd(_event, viewport) {
        place.current?.classList.remove('moving');
        keepViewport(editor, viewport);
      },
      onNodeDoubleClick: (_event, { id }) => goInside(editor, id),
      onEdgeDoubleClick: rerouteAt,
      onEdgeClick: (event, edge) => event.altKey && rerouteAt(event, edge),
      onNodeContextMenu: (_event, { id }) => selectUnlessIn(view, readFlowId(id)),
      onEdgeContextMenu: (_event, { id }) => selectUnlessIn(view, readFlowId(id)),
      onPaneContextMenu: () => select(view, []),
      onDoubleClick(event) {
        if (!isGround(event.target)) return;
        const screen = { x: event.clientX, y: event.clientY };
        view.setState({ overlay: { kind: 'addNode', at: flow.screenToFlowPosition(screen), screen } });
      },
    } satisfies Partial<ReactFlowProps<FlowNode, FlowEdge>>;
  }, [editor, flow, place, pointer]);
}

/** Selects what was pointed at, unless it is one of several that are selected. */
function selectUnlessIn(view: ViewStore, item: CanvasItem): void {
  if (!view.getState().selection.some((selected) => isSameItem(selected, item))) select(view, [item]);
}

/** Whether nothing of its own lies at a place: the ground, also inside a frame. */
function isGround(target: EventTarget): boolean {
  return target instanceof Element && target.matches('.react-flow__pane, .react-flow__node-frame, .frame, .dots');
}
