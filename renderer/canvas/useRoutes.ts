import { startTransition, useEffect, useMemo, useState } from 'react';
import { type ReactFlowInstance, useReactFlow } from 'reactflow';
import type { Box } from '../level/makeRoom.ts';
import { routeWire } from '../level/routeWire.ts';
import type { FlowEdge, FlowNode, Route } from './flow.ts';

type Flow = ReactFlowInstance<FlowNode, FlowEdge>;
type Routes = ReadonlyMap<string, Route>;
const NONE: Routes = new Map();

/**
 * The wires with the way that each takes around nodes which would hide it. Ways are looked for after the nodes are drawn,
 * and not while one is dragged.
 */
export function useRoutes(nodes: readonly FlowNode[], edges: readonly FlowEdge[]): readonly FlowEdge[] {
  const flow = useReactFlow<FlowNode, FlowEdge>();
  const [routes, setRoutes] = useState(NONE);
  const isDragged = nodes.some(({ dragging }) => dragging);
  const key = isDragged ? undefined : nodes.map(keyOf).join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says where nodes are
  useEffect(() => {
    if (key !== undefined) startTransition(() => setRoutes(findRoutes(flow, nodes, edges)));
  }, [key, edges]);
  return useMemo(() => edges.map((edge) => withRoute(edge, routes.get(edge.id))), [edges, routes]);
}

function keyOf({ id, position, measured }: FlowNode): string {
  return `${id} ${position.x} ${position.y} ${measured?.width} ${measured?.height}`;
}

function findRoutes(flow: Flow, nodes: readonly FlowNode[], edges: readonly FlowEdge[]): Routes {
  const cards = nodes.filter(({ type }) => type === 'card');
  const boxes = cards.map(toBox);
  const known = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<string, Route>();
  for (const { id, source, sourceHandle, target, targetHandle } of edges) {
    const from = locateSocket(flow, known.get(source), 'source', sourceHandle);
    const to = locateSocket(flow, known.get(target), 'target', targetHandle);
    const way = from && to && routeWire(from, to, boxes);
    if (way) found.set(id, { from, to, way });
  }
  return found;
}

function toBox({ position: { x, y }, measured }: FlowNode): Box {
  return { left: x, top: y, right: x + (measured?.width ?? 0), bottom: y + (measured?.height ?? 0) };
}

/** The middle of a socket: where it was measured, or else where its card tells. */
function locateSocket(
  flow: Flow,
  node: FlowNode | undefined,
  type: 'source' | 'target',
  name: string | null | undefined,
): { readonly x: number; readonly y: number } | undefined {
  if (!node) return undefined;
  const bounds = flow.getInternalNode(node.id)?.internals.handleBounds?.[type];
  const handles = bounds ?? node.handles?.filter((handle) => handle.type === type) ?? [];
  const handle = handles.find((each) => each.id === name);
  if (!handle) return undefined;
  const { x, y, width = 0, height = 0 } = handle;
  return { x: node.position.x + x + (type === 'source' ? width : 0), y: node.position.y + y + height / 2 };
}

/** What was made of each wire last, so that what did not change stays the same object. */
const made = new WeakMap<FlowEdge, FlowEdge>();

function withRoute(edge: FlowEdge, route: Route | undefined): FlowEdge {
  if (!route) return edge;
  const before = made.get(edge);
  if (before?.data?.route === route) return before;
  const routed = { ...edge, data: { type: edge.data?.type, route } };
  made.set(edge, routed);
  return routed;
}
