import { useState } from 'react';
import { type GraphNode, own } from '../../graphs/document/document.ts';
import { INPUTS, isBoundary, OUTPUTS } from '../../graphs/document/levels.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import { arrivalAt } from '../../graphs/document/wires.ts';
import { collapseNode } from '../../graphs/edit/edit.ts';
import type { NodeCard } from '../../nodes/card.ts';
import { type Param, wireTypeOf } from '../../nodes/params.ts';
import { SHOWN_PARAMS } from '../level/cardShape.ts';
import { NEW_PORT } from '../level/joining.ts';
import { useEditor } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { editGraph } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { ParamRow } from './ParamRow.tsx';
import { Socket } from './Socket.tsx';

interface PortsProps {
  readonly id: string;
  readonly node: GraphNode;
  readonly card: NodeCard;
  readonly problems: readonly Problem[];
}

/** The inputs, outputs and params of a node. */
export function Ports({ id, node, card, problems }: PortsProps) {
  if (node.collapsed) return <FoldedPorts id={id} card={card} />;
  return (
    <>
      <PortColumns node={node} card={card} problems={problems} />
      <Params id={id} node={node} card={card} problems={problems} />
    </>
  );
}

/** A collapsed node: all its sockets in one place on each side. */
function FoldedPorts({ id, card }: Pick<PortsProps, 'id' | 'card'>) {
  const { graph } = useEditor();
  return (
    <div className="card-folded">
      {Object.entries(card.inputs).map(([name, { type }]) => (
        <Socket key={name} side="target" name={name} type={type} />
      ))}
      {Object.entries(card.params).map(([name, param]) => (
        <Socket key={name} side="target" name={name} type={wireTypeOf(param)} />
      ))}
      {Object.entries(card.outputs).map(([name, { type, list }]) => (
        <Socket key={name} side="source" name={name} type={type} list={list} />
      ))}
      <button
        type="button"
        className="text-button nodrag"
        onClick={() => editGraph(graph, (document) => collapseNode(document, id, false))}
      >
        {messages.node.expand}
      </button>
    </div>
  );
}

function PortColumns({ node, card, problems }: Omit<PortsProps, 'id'>) {
  const inputs = Object.entries(card.inputs);
  const outputs = Object.entries(card.outputs);
  const strange = Object.keys(node.inputs).filter((name) => !arrivalAt(card, name));
  if (inputs.length + outputs.length + strange.length === 0 && !isBoundary(node)) return null;
  return (
    <div className="ports">
      <ul className="port-column">
        {inputs.map(([name, { type, count, help }]) => (
          <li
            key={name}
            className={problems.some(({ at }) => at.port === name) ? 'port wrong' : 'port'}
            title={messages.node.input(spellName(name), spellName(type), count, help)}
          >
            <Socket side="target" name={name} type={type} list={count === 'many'} />
            <span className={count === 'optional' ? 'faint' : undefined}>{spellName(name)}</span>
          </li>
        ))}
        {strange.map((name) => (
          <li key={name} className="port wrong">
            <Socket side="target" name={name} type={undefined} />
            <span>{name}</span>
          </li>
        ))}
        {node.type === OUTPUTS && <NewPort side="target" />}
      </ul>
      <ul className="port-column outputs">
        {outputs.map(([name, { type, list, help }]) => (
          <li key={name} className="port" title={messages.node.output(spellName(name), spellName(type), list, help)}>
            <span>{spellName(name)}</span>
            <Socket side="source" name={name} type={type} list={list} />
          </li>
        ))}
        {node.type === INPUTS && <NewPort side="source" />}
      </ul>
    </div>
  );
}

/** The first params of a node, those that a wire drives or that are wrong, and a button that shows the others. */
function Params({ id, node, card, problems }: PortsProps) {
  const [all, setAll] = useState(false);
  const params = Object.entries(card.params);
  const isWrong = (name: string) => problems.some(({ at }) => at.param === name);
  const matters = ([name]: [string, Param]) => own(node.inputs, name)?.length || isWrong(name);
  const shown = all ? params : params.filter((entry, i) => i < SHOWN_PARAMS || matters(entry));
  if (params.length === 0) return null;
  return (
    <div className="params">
      {shown.map(([name, param]) => (
        <ParamRow key={name} id={id} name={name} param={param} node={node} wrong={isWrong(name)} />
      ))}
      {(shown.length < params.length || all) && (
        <button type="button" className="text-button nodrag" onClick={() => setAll(!all)}>
          {all ? messages.node.fewer : messages.node.more(params.length - shown.length)}
        </button>
      )}
    </div>
  );
}

/** The socket that makes a port of the first wire drawn to or from it. */
function NewPort({ side }: { side: 'source' | 'target' }) {
  return (
    <li className="port faint" title={messages.node.newPortHelp}>
      {side === 'source' && <span>{messages.node.newPort}</span>}
      <Socket side={side} name={NEW_PORT} type={undefined} />
      {side === 'target' && <span>{messages.node.newPort}</span>}
    </li>
  );
}

/** The ports of a node of unknown type, as far as its wires tell. */
export function UnknownPorts({ node }: { node: GraphNode }) {
  return (
    <ul className="port-column">
      {Object.keys(node.inputs).map((name) => (
        <li key={name} className="port">
          <Socket side="target" name={name} type={undefined} />
          <span>{name}</span>
        </li>
      ))}
      <li className="port">
        <Socket side="source" name="unknown" type={undefined} />
      </li>
    </ul>
  );
}
