import { memo } from 'react';
import { BaseEdge, type EdgeProps, getBezierPath } from 'reactflow';
import type { FlowEdge } from './flow.ts';

/** A wire on the canvas; its colour follows from its class, the type it carries. */
export const WireView = memo((edge: EdgeProps<FlowEdge>) => {
  const { id, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition } = edge;
  const [path] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition });
  return <BaseEdge id={id} path={path} interactionWidth={16} />;
});
