import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import {
  applyNodeChanges,
  type Connection,
  type EdgeChange,
  type FinalConnectionState,
  getNodesBounds,
  getViewportForBounds,
  type NodeChange,
  type OnConnectStartParams,
  ReactFlow,
  type ReactFlowProps,
  ReactFlowProvider,
  SelectionMode,
  useKeyPress,
  useReactFlow,
  useStoreApi,
  type Viewport,
} from 'reactflow';
import { changeMark } from '../../graphs/document/marks.ts';
import { disconnect, moveNodes } from '../../graphs/edit/edit.ts';
import { insertIntoWire, wiresOf } from '../../graphs/edit/rewire.ts';
import { addNodeAt, addReroute, goInto } from '../commands/commands.ts';
import { type Editor, useEditor, useGraph, useView } from '../state/editor.ts';
import { editGraph, endGroup, type GraphState, levelName } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { type Point, select } from '../state/view.ts';
import { Breadcrumbs } from './Breadcrumbs.tsx';
import { CanvasMenu } from './CanvasMenu.tsx';
import { Dots } from './Dots.tsx';
import { FarWires } from './FarWires.tsx';
import { typeAt } from './fitting.ts';
import {
  atPlace,
  type FlowEdge,
  type FlowNode,
  flowEdges,
  flowNodes,
  GRID,
  insideFrame,
  looseEnd,
  markOf,
  measuredNode,
  NODE_TYPE,
  wireOfConnection,
  wireOfEdge,
} from './flow.ts';
import { joined, NEW_PORT, refusalOfWire } from './joining.ts';
import { FrameView, NoteView } from './MarkView.tsx';
import { NodeView } from './NodeView.tsx';
import { Overview } from './Overview.tsx';
import { Refusal } from './Refusal.tsx';
import { RerouteView } from './RerouteView.tsx';
import { WireView } from './WireView.tsx';

const nodeTypes = { card: NodeView, reroute: RerouteView, note: NoteView, frame: FrameView };
const edgeTypes = { wire: WireView };
const noEdges: FlowEdge[] = [];
const grid: [number, number] = [GRID, GRID];
const addingKeys = ['Shift', 'Meta', 'Control'];
const options = { hideAttribution: true };

/** Where a level is looked at, and on how many pixels. */
interface Look extends Viewport {
  readonly width: number;
  readonly height: number;
}

/**
 * The level of the graph that is being edited; another level is another canvas. Its place on the screen is measured
 * first, so that the first frame already shows it where it was left, or as a whole.
 */
export function Canvas() {
  const editor = useEditor();
  const isEmpty = useGraph(({ document }) => Object.keys(document.nodes).length === 0);
  const place = useRef<HTMLElement>(null);
  const [look, setLook] = useState<Look>();
  useLayoutEffect(() => {
    if (!place.current) return;
    const { graph, view } = editor;
    const { width, height } = place.current.getBoundingClientRect();
    const { document, cards } = graph.getState();
    const viewport =
      view.getState().viewports[levelName(graph.getState())] ??
      wholeView(flowNodes(document, cards, new Set(), []), width, height);
    lookFrom(view, viewport.zoom);
    keepViewport(editor, viewport);
    setLook({ ...viewport, width, height });
  }, [editor]);
  return (
    <main className="canvas" ref={place} aria-label={messages.canvas.name}>
      {look && (
        <ReactFlowProvider initialWidth={look.width} initialHeight={look.height}>
          <CanvasMenu>
            <Level look={look} />
          </CanvasMenu>
        </ReactFlowProvider>
      )}
      <Breadcrumbs />
      {isEmpty && <p className="canvas-empty">{messages.canvas.empty}</p>}
    </main>
  );
}

function Level({ look }: { look: Look }) {
  const editor = useEditor();
  const { graph, view } = editor;
  const document = useGraph((state) => state.document);
  const cards = useGraph((state) => state.cards);
  const selection = useView((state) => state.selection);
  const minimap = useView((state) => state.minimap);
  const snap = useView((state) => state.snap);
  const [nodes, setNodes] = useState<readonly FlowNode[]>(() => flowNodes(document, cards, selection, []));
  useLayoutEffect(
    () => setNodes((before) => flowNodes(document, cards, selection, before)),
    [document, cards, selection],
  );
  const edges = useMemo(() => flowEdges(document, cards, selection), [document, cards, selection]);
  const [wireType, setWireType] = useState<string>();
  const far = useView((state) => state.far);
  const isPanning = useKeyPress('Space');
  const flow = useReactFlow<FlowNode, FlowEdge>();
  useFirstFrame(look, nodes, edges);
  const place = useRef<HTMLDivElement>(null);
  /** Where the pointer is; undefined while it is elsewhere. */
  const pointer = useRef<Point>(undefined);
  const latest = useRef(nodes);
  latest.current = nodes;

  useEffect(() => {
    const middle = () => {
      const { left, top, width, height } = (place.current as HTMLElement).getBoundingClientRect();
      return flow.screenToFlowPosition({ x: left + width / 2, y: top + height / 2 });
    };
    editor.canvas = {
      fit: (ids) =>
        void flow.fitView({
          padding: 0.15,
          maxZoom: 1,
          duration: calm() ? 0 : 200,
          ...(ids ? { nodes: ids.map((id) => ({ id })) } : {}),
        }),
      zoom: (factor) => void flow.zoomTo(flow.getZoom() * factor, { duration: calm() ? 0 : 120 }),
      reveal({ x, y }) {
        const { left, top, right, bottom } = (place.current as HTMLElement).getBoundingClientRect();
        const seen = flow.flowToScreenPosition({ x, y });
        const margin = 120 * flow.getZoom();
        if (seen.x > left + margin && seen.x < right - margin && seen.y > top + margin && seen.y < bottom - margin)
          return;
        void flow.setCenter(x, y, { zoom: flow.getZoom(), duration: calm() ? 0 : 200 });
      },
      centre: middle,
      pointer: () => (pointer.current ? flow.screenToFlowPosition(pointer.current) : middle()),
      screenOf: (place) => flow.flowToScreenPosition(place),
      sizeOf: (id) => {
        const measured = flow.getInternalNode(id)?.measured;
        return { width: measured?.width ?? 256, height: measured?.height ?? 160 };
      },
    };
    return () => {
      editor.canvas = undefined;
    };
  }, [editor, flow]);

  const onNodesChange = useCallback(
    (given: NodeChange<FlowNode>[]) => {
      const changes = [...given, ...carriedByFrames(given, latest.current)];
      const sized = new Set(changes.flatMap((change) => (change.type === 'dimensions' ? [change.id] : [])));
      setNodes((before) =>
        applyNodeChanges(changes, before as FlowNode[]).map((node) =>
          atPlace(sized.has(node.id) ? measuredNode(node) : node),
        ),
      );
      keepSelection(changes, view);
      const settled = changes.flatMap((change) =>
        change.type === 'position' && change.position && !change.dragging
          ? [{ id: change.id, ...change.position }]
          : [],
      );
      if (settled.length > 0)
        editGraph(graph, (document) => placed(document, settled), `move ${settled.map(({ id }) => id)}`);
    },
    [graph, view],
  );
  const onEdgesChange = useCallback((changes: EdgeChange<FlowEdge>[]) => keepSelection(changes, view), [view]);

  const isValidConnection = useCallback(
    (connection: Connection | FlowEdge) => {
      const arrived = wireOfConnection(connection);
      return arrived !== undefined && refusalOfWire(graph.getState(), arrived) === undefined;
    },
    [graph],
  );
  const escaped = useEscapableWire();
  const onConnect = useCallback(
    (connection: Connection) => {
      const arrived = wireOfConnection(connection);
      if (arrived && !escaped.current) editGraph(graph, () => joined(graph.getState(), arrived));
    },
    [graph, escaped],
  );
  const reconnecting = useRef(false);
  const onReconnect = useCallback(
    (old: FlowEdge, connection: Connection) => {
      const [from, to] = [wireOfConnection(old), wireOfConnection(connection)];
      if (from && to && !escaped.current) editGraph(graph, () => joined(graph.getState(), to, from));
    },
    [graph, escaped],
  );
  const onReconnectEnd = useCallback(
    (_event: unknown, edge: FlowEdge, _side: unknown, { toHandle }: FinalConnectionState) => {
      reconnecting.current = false;
      const from = wireOfConnection(edge);
      if (!toHandle && from && !escaped.current)
        editGraph(graph, (document) => disconnect(document, from.node, from.name, from.wire));
    },
    [graph, escaped],
  );
  const onConnectStart = useCallback(
    (_event: unknown, { nodeId, handleId, handleType }: OnConnectStartParams) => {
      const { document, cards } = graph.getState();
      if (!nodeId || !handleId || !handleType) return;
      setWireType(typeAt(document, cards, looseEnd(nodeId, handleId, handleType)) ?? 'any');
    },
    [graph],
  );
  const onConnectEnd = useCallback(
    (event: MouseEvent | TouchEvent, { fromHandle, toHandle }: FinalConnectionState) => {
      setWireType(undefined);
      if (!fromHandle?.id || fromHandle.id === NEW_PORT || toHandle || reconnecting.current || escaped.current) return;
      const { clientX, clientY } = 'changedTouches' in event ? (event.changedTouches[0] as Touch) : event;
      const screen = { x: clientX, y: clientY };
      const from = looseEnd(fromHandle.nodeId, fromHandle.id, fromHandle.type);
      view.setState({ overlay: { kind: 'addNode', at: flow.screenToFlowPosition(screen), screen, from } });
    },
    [view, flow, escaped],
  );

  /** Like all that React Flow is given, the same in every frame: else it would draw every node anew. */
  const gestures = useMemo(() => {
    const rerouteAt = ({ clientX, clientY }: React.MouseEvent, id: string) => {
      const arrived = wireOfEdge(id);
      if (arrived) addReroute(editor, arrived, flow.screenToFlowPosition({ x: clientX, y: clientY }));
    };
    return {
      onMoveStart: (event) => event?.type === 'mousedown' && place.current?.classList.add('moving'),
      onMove: (_event, { zoom }) => lookFrom(view, zoom),
      onMoveEnd(_event, viewport) {
        place.current?.classList.remove('moving');
        keepViewport(editor, viewport);
      },
      onReconnectStart() {
        reconnecting.current = true;
      },
      onNodeDoubleClick: (_event, { id }) => goInto(editor, id),
      onEdgeDoubleClick: (event, { id }) => rerouteAt(event, id),
      onEdgeClick: (event, { id }) => event.altKey && rerouteAt(event, id),
      onNodeContextMenu: (_event, { id }) => selectUnlessIn(view, id),
      onEdgeContextMenu: (_event, { id }) => selectUnlessIn(view, id),
      onPaneContextMenu: () => select(view, []),
      onPaneClick(event) {
        if (event.detail !== 2) return;
        const screen = { x: event.clientX, y: event.clientY };
        view.setState({ overlay: { kind: 'addNode', at: flow.screenToFlowPosition(screen), screen } });
      },
    } satisfies Partial<ReactFlowProps<FlowNode, FlowEdge>>;
  }, [editor, view, flow]);

  const receiving = useRef<Element>(undefined);
  const receive = useCallback((wire: Element | undefined) => {
    receiving.current?.classList.remove('receiving');
    wire?.classList.add('receiving');
    receiving.current = wire;
  }, []);
  const onNodeDrag = useCallback(
    (event: MouseEvent | TouchEvent | React.MouseEvent, dragged: FlowNode) => {
      receive(insertion(graph.getState(), event, dragged)?.element);
    },
    [graph, receive],
  );
  const onNodeDragStop = useCallback(
    (event: MouseEvent | TouchEvent | React.MouseEvent, dragged: FlowNode) => {
      receive(undefined);
      const found = insertion(graph.getState(), event, dragged);
      if (found) editGraph(graph, () => found.joined, `move ${dragged.id}`);
      endGroup(graph);
    },
    [graph, receive],
  );

  return (
    <ReactFlow<FlowNode, FlowEdge>
      ref={place}
      className={`${far ? 'far' : ''}${isPanning ? ' panning' : ''}${wireType ? ` wiring wiring-${wireType}` : ''}`}
      onPointerMove={({ clientX, clientY }) => {
        pointer.current = { x: clientX, y: clientY };
      }}
      onPointerLeave={({ relatedTarget }) => {
        if (relatedTarget instanceof Element && !relatedTarget.closest('.app')) return; // a menu or a search of that place
        pointer.current = undefined;
      }}
      onDragOver={(event) => event.dataTransfer.types.includes(NODE_TYPE) && event.preventDefault()}
      onDrop={(event) => {
        const card = graph.getState().cards.get(event.dataTransfer.getData(NODE_TYPE));
        if (!card) return;
        event.preventDefault();
        addNodeAt(editor, card, flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }));
      }}
      defaultViewport={look}
      nodes={nodes as FlowNode[]}
      edges={far ? noEdges : edges}
      nodeTypes={nodeTypes}
      edgeTypes={edgeTypes}
      onNodesChange={onNodesChange}
      onEdgesChange={onEdgesChange}
      isValidConnection={isValidConnection}
      onConnect={onConnect}
      onReconnect={onReconnect}
      onReconnectEnd={onReconnectEnd}
      onConnectStart={onConnectStart}
      onConnectEnd={onConnectEnd}
      onNodeDrag={onNodeDrag}
      onNodeDragStop={onNodeDragStop}
      {...gestures}
      connectionRadius={28}
      reconnectRadius={12}
      connectOnClick
      snapToGrid={snap}
      snapGrid={grid}
      minZoom={MIN_ZOOM}
      maxZoom={2}
      zoomOnDoubleClick={false}
      selectionMode={SelectionMode.Partial}
      multiSelectionKeyCode={addingKeys}
      deleteKeyCode={null}
      elevateNodesOnSelect={false}
      onlyRenderVisibleElements
      proOptions={options}
      ariaLabelConfig={messages.canvas.aria}
    >
      <Dots />
      {minimap && <Overview nodes={nodes} />}
      <Refusal />
      {far && <FarWires nodes={nodes} edges={edges} />}
    </ReactFlow>
  );
}

/** React Flow takes in what it is given only after its first frame: given here, it is in that frame already. */
function useFirstFrame({ x, y, zoom }: Look, nodes: readonly FlowNode[], edges: readonly FlowEdge[]): void {
  const store = useStoreApi<FlowNode, FlowEdge>();
  const first = useRef(true);
  useLayoutEffect(() => {
    if (!first.current) return;
    first.current = false;
    store.getState().setNodes(nodes as FlowNode[]);
    store.getState().setEdges(edges as FlowEdge[]);
    store.setState({ transform: [x, y, zoom] });
  }, [store, x, y, zoom, nodes, edges]);
}

/**
 * Lets go of the wire in the hand when Escape is pressed: for React Flow the button of the pointer is released, but what
 * comes of that is to be passed over while the ref is true.
 */
function useEscapableWire() {
  const store = useStoreApi();
  const escaped = useRef(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !store.getState().connection.inProgress) return;
      event.stopPropagation(); // what is selected stays so
      escaped.current = true;
      document.dispatchEvent(new MouseEvent('mouseup'));
      escaped.current = false;
    };
    addEventListener('keydown', onKey, true);
    return () => removeEventListener('keydown', onKey, true);
  }, [store]);
  return escaped;
}

const MIN_ZOOM = 0.05;

/** A view of all nodes, none larger than it is. */
function wholeView(nodes: readonly FlowNode[], width: number, height: number): Viewport {
  return getViewportForBounds(getNodesBounds(nodes as FlowNode[]), width, height, MIN_ZOOM, 1, 0.12);
}

function keepViewport({ graph, view }: Editor, viewport: Viewport): void {
  view.setState(({ viewports }) => ({ viewports: { ...viewports, [levelName(graph.getState())]: viewport } }));
}

/** Below this zoom nobody can read what is in a node: it is drawn as a box with its title. */
const FAR = 0.4;

function lookFrom(view: ReturnType<typeof useEditor>['view'], zoom: number): void {
  const far = zoom < FAR;
  if (view.getState().far !== far) view.setState({ far });
}

/** Whether the user wants nothing to move by itself. */
function calm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

type Changes = readonly (NodeChange<FlowNode> | EdgeChange<FlowEdge>)[];

/** Carries what React Flow selected into the view. */
function keepSelection(changes: Changes, view: ReturnType<typeof useEditor>['view']): void {
  const selected = changes.flatMap((change) => (change.type === 'select' ? [change] : []));
  if (selected.length === 0) return;
  const next = new Set(view.getState().selection);
  for (const { id, selected: isSelected } of selected) {
    if (isSelected) next.add(id);
    else next.delete(id);
  }
  select(view, next);
}

/** Selects what was pointed at, unless it is one of several that are selected. */
function selectUnlessIn(view: ReturnType<typeof useEditor>['view'], id: string): void {
  if (!view.getState().selection.has(id)) select(view, [id]);
}

/** What lies in a frame moves with it. */
function carriedByFrames(changes: readonly NodeChange<FlowNode>[], nodes: readonly FlowNode[]): NodeChange<FlowNode>[] {
  const moving = new Set(changes.map((change) => ('id' in change ? change.id : '')));
  return changes.flatMap((change) => {
    if (change.type !== 'position' || !change.position || markOf(change.id)?.kind !== 'frames') return [];
    const frame = nodes.find(({ id }) => id === change.id);
    if (!frame) return [];
    const [dx, dy] = [change.position.x - frame.position.x, change.position.y - frame.position.y];
    const dragging = change.dragging === true;
    return insideFrame(frame, nodes).flatMap((id): NodeChange<FlowNode>[] => {
      const node = nodes.find((candidate) => candidate.id === id);
      if (!node || moving.has(id)) return [];
      return [{ id, type: 'position', dragging, position: { x: node.position.x + dx, y: node.position.y + dy } }];
    });
  });
}

/** The document with nodes, notes and frames at new places. */
function placed(
  document: Parameters<typeof moveNodes>[0],
  moved: readonly { readonly id: string; readonly x: number; readonly y: number }[],
): typeof document {
  const positions: Record<string, readonly [number, number]> = {};
  let next = document;
  for (const { id, x, y } of moved) {
    const mark = markOf(id);
    const position = [Math.round(x), Math.round(y)] as const;
    if (mark) {
      const old = document[mark.kind]?.[mark.place]?.position;
      if (old && (old[0] !== position[0] || old[1] !== position[1]))
        next = changeMark(next, mark.kind, mark.place, { position });
    } else positions[id] = position;
  }
  return moveNodes(next, positions);
}

/** What comes of dropping a loose node where the pointer is: the wire there, and the level with the node in it. */
function insertion(
  { document: level, cards }: GraphState,
  event: MouseEvent | TouchEvent | React.MouseEvent,
  { id, type }: FlowNode,
) {
  const isLoose =
    Object.values(level.nodes[id]?.inputs ?? {}).every((wires) => wires.length === 0) &&
    wiresOf(level).every(({ wire }) => wire[0] !== id);
  if (type !== 'card' || !isLoose || !('clientX' in event)) return undefined;
  for (const under of document.elementsFromPoint(event.clientX, event.clientY)) {
    const element = under.closest('.react-flow__edge');
    const arrived = wireOfEdge(element?.getAttribute('data-id') ?? '');
    const joined = arrived && insertIntoWire(level, cards, id, arrived);
    if (element && joined) return { element, joined };
  }
  return undefined;
}
