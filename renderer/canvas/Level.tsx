import { useMemo, useRef } from 'react';
import { ReactFlow, SelectionMode, useKeyPress } from 'reactflow';
import { GRID } from '../level/grid.ts';
import { useView } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import type { Point } from '../state/view.ts';
import { Dots } from './Dots.tsx';
import { FarWires } from './FarWires.tsx';
import type { FlowEdge, FlowNode } from './flow.ts';
import { FrameView, NoteView } from './MarkView.tsx';
import { NodeView } from './NodeView.tsx';
import { Overview } from './Overview.tsx';
import { Refusal } from './Refusal.tsx';
import { RerouteView } from './RerouteView.tsx';
import { useCanvasView } from './useCanvasView.ts';
import { useInsertion } from './useInsertion.ts';
import { useFirstFrame, useLevelItems } from './useLevelItems.ts';
import { usePointerGestures } from './usePointerGestures.ts';
import { useWireGestures } from './useWireGestures.ts';
import { leastZoom, type SizedViewport } from './viewport.ts';
import { WireView } from './WireView.tsx';

// Like all that React Flow is given, the same in every frame: else it would draw every node anew.
const NODE_TYPES = { card: NodeView, reroute: RerouteView, note: NoteView, frame: FrameView };
const EDGE_TYPES = { wire: WireView };
const NO_EDGES: FlowEdge[] = [];
const SNAP_GRID: [number, number] = [GRID, GRID];
const ADDING_KEYS = ['Shift', 'Meta', 'Control'];
const PRO_OPTIONS = { hideAttribution: true };

/** The nodes and wires of a level, drawn by React Flow. */
export function Level({ start }: { start: SizedViewport }) {
  const minimap = useView((state) => state.minimap);
  const snap = useView((state) => state.snap);
  const far = useView((state) => state.far);
  const { nodes, edges, onNodesChange, onEdgesChange } = useLevelItems();
  useFirstFrame(start, nodes, edges);
  const place = useRef<HTMLDivElement>(null);
  const pointer = useRef<Point>(undefined);
  useCanvasView(place, pointer);
  const pointerGestures = usePointerGestures(place, pointer);
  const wire = useWireGestures();
  const insertion = useInsertion();
  const isPanning = useKeyPress('Space');
  const minZoom = useMemo(() => leastZoom(nodes, start), [nodes, start]);
  return (
    <ReactFlow<FlowNode, FlowEdge>
      ref={place}
      className={`${far ? 'far' : ''}${isPanning ? ' panning' : ''}${wire.type ? ` wiring wiring-${wire.type}` : ''}`}
      defaultViewport={start}
      nodes={nodes as FlowNode[]}
      edges={far ? NO_EDGES : (edges as FlowEdge[])}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      onNodesChange={onNodesChange}
      onEdgesChange={onEdgesChange}
      {...pointerGestures}
      {...wire.gestures}
      {...insertion}
      connectionRadius={28}
      reconnectRadius={12}
      connectOnClick
      snapToGrid={snap}
      snapGrid={SNAP_GRID}
      minZoom={minZoom}
      maxZoom={2}
      zoomOnDoubleClick={false}
      selectionMode={SelectionMode.Partial}
      multiSelectionKeyCode={ADDING_KEYS}
      deleteKeyCode={null}
      elevateNodesOnSelect={false}
      onlyRenderVisibleElements
      proOptions={PRO_OPTIONS}
      ariaLabelConfig={messages.canvas.aria}
    >
      <Dots />
      {minimap && <Overview nodes={nodes} />}
      <Refusal />
      {far && <FarWires nodes={nodes} edges={edges} />}
    </ReactFlow>
  );
}
