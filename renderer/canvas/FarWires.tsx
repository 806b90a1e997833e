import { memo, useDeferredValue } from 'react';
import { getBezierPath, type NodeHandle, Position, useReactFlow, ViewportPortal } from 'reactflow';
import { drawRoute } from '../level/routeWire.ts';
import type { FlowEdge, FlowNode } from './flow.ts';

interface FarWiresProps {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
}

/** All wires of a level seen from afar: one line for each type, which does not know of the view and so costs it nothing. */
export const FarWires = memo(({ nodes: now, edges }: FarWiresProps) => {
  const nodes = useDeferredValue(now); // a node that is dragged comes first
  const flow = useReactFlow<FlowNode, FlowEdge>();
  const known = new Map(nodes.map((node) => [node.id, node]));
  const locateSocket = (id: string, name: string | null | undefined, type: 'source' | 'target') => {
    const node = known.get(id);
    const bounds = flow.getInternalNode(id)?.internals.handleBounds?.[type];
    const handles: readonly Pick<NodeHandle, 'id' | 'x' | 'y'>[] =
      bounds ?? node?.handles?.filter((handle) => handle.type === type) ?? [];
    const handle = handles.find((each) => each.id === name) ?? handles[0];
    return node && { x: node.position.x + (handle?.x ?? 0) + 6, y: node.position.y + (handle?.y ?? 0) + 6 };
  };
  const paths = new Map<string, string[]>();
  for (const { source, sourceHandle, target, targetHandle, data } of edges) {
    const from = locateSocket(source, sourceHandle, 'source');
    const to = locateSocket(target, targetHandle, 'target');
    if (!from || !to) continue;
    const [plain] = getBezierPath({
      sourceX: from.x,
      sourceY: from.y,
      targetX: to.x,
      targetY: to.y,
      sourcePosition: Position.Right,
      targetPosition: Position.Left,
    });
    const path = data?.route ? drawRoute(from, to, data.route.way) : plain;
    const type = data?.type ?? 'unknown';
    const drawn = paths.get(type);
    if (drawn) drawn.push(path);
    else paths.set(type, [path]);
  }
  return (
    <ViewportPortal>
      <svg className="far-wires" aria-hidden>
        {[...paths].map(([type, drawn]) => (
          <path key={type} className={`type-${type}`} d={drawn.join('')} />
        ))}
      </svg>
    </ViewportPortal>
  );
});
