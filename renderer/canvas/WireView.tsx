import { memo } from 'react';
import { BaseEdge, type EdgeProps, getBezierPath } from 'reactflow';
import { drawRoute } from '../level/routeWire.ts';
import type { FlowEdge, Route } from './flow.ts';

/** A wire on the canvas; its colour follows from its class, the type it carries. */
export const WireView = memo((edge: EdgeProps<FlowEdge>) => {
  const { id, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data } = edge;
  const [from, to] = [
    { x: sourceX, y: sourceY },
    { x: targetX, y: targetY },
  ];
  const [plain] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition });
  const route = data?.route && isNear(data.route.from, from) && isNear(data.route.to, to) ? data.route : undefined;
  const path = route ? drawRoute(from, to, route.way) : plain;
  return <BaseEdge id={id} path={path} interactionWidth={16} />;
});

/** Whether an end of a wire is where it was when its way was found: not while its node is dragged. */
function isNear(a: Route['from'], b: Route['from']): boolean {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y) < 16;
}
