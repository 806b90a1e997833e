import { Handle, Position } from 'reactflow';
import type { PortType } from '../../nodes/ports.ts';
import { spellName } from '../state/format.ts';

interface SocketProps {
  readonly side: 'source' | 'target';
  readonly name: string;
  readonly type: PortType | undefined;
  /** Several values or wires: drawn with a second line around it. */
  readonly list?: boolean;
  /** A param that no wire drives: shown when one could. */
  readonly quiet?: boolean;
  /** Where it stands in a node that is seen from afar. */
  readonly top?: number;
}

/** Where a wire begins or ends; colour and shape tell its type. */
export function Socket({ side, name, type, list, quiet, top }: SocketProps) {
  return (
    <Handle
      id={name}
      type={side}
      position={side === 'target' ? Position.Left : Position.Right}
      className={`socket type-${type ?? 'unknown'}${list ? ' list' : ''}${quiet ? ' quiet' : ''}`}
      {...(top === undefined ? {} : { style: { top }, title: spellName(name) })}
    />
  );
}
