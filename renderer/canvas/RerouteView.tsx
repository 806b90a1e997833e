import { memo } from 'react';
import { Handle, type NodeProps, Position } from 'reactflow';
import { useNodeProblems } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import type { RerouteFlowNode } from './flow.ts';

/** A dot on a wire. */
export const RerouteView = memo(
  ({ id, data: { node }, selected }: NodeProps<RerouteFlowNode>) => {
    const [problem] = useNodeProblems(id);
    const type = node.type.slice('reroute/'.length);
    return (
      <div
        className={`reroute type-${type}${selected ? ' selected' : ''}${problem ? ' wrong' : ''}`}
        title={problem ? `${problem.message} ${problem.remedy}` : messages.canvas.reroute(spellName(type))}
      >
        <Handle id="value" type="target" position={Position.Left} className={`socket type-${type}`} />
        <Handle id="value" type="source" position={Position.Right} className={`socket type-${type}`} />
      </div>
    );
  },
  (before, after) => before.id === after.id && before.data === after.data && before.selected === after.selected,
);
