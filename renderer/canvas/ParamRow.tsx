import { Unplug } from 'lucide-react';
import { type GraphNode, own } from '../../graphs/document/document.ts';
import { titleOf } from '../../graphs/document/problems.ts';
import { disconnect, setParam } from '../../graphs/edit/edit.ts';
import { type Param, wireTypeOf } from '../../nodes/params.ts';
import { ParamControl } from '../controls/ParamControl.tsx';
import { useEditor, useGraph } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { editGraph, endGroup } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { Socket } from './Socket.tsx';

interface ParamRowProps {
  readonly id: string;
  readonly name: string;
  readonly param: Param;
  readonly node: GraphNode;
  readonly wrong: boolean;
}

/** A param of a node with its control, or with the node that drives it. */
export function ParamRow({ id, name, param, node, wrong }: ParamRowProps) {
  const { graph } = useEditor();
  const driven = (own(node.inputs, name)?.length ?? 0) > 0;
  const value = own(node.params, name) ?? param.initial;
  const long = param.kind === 'text' && param.multiline;
  const title = useGraph(({ cards }) => titleOf(node, cards));
  return (
    <div className={`param${long ? ' wide' : ''}${wrong ? ' wrong' : ''}${driven ? ' driven' : ''}`}>
      <Socket side="target" name={name} type={wireTypeOf(param)} quiet={!driven} />
      <label htmlFor={`${id}.${name}`} title={param.help}>
        {spellName(name)}
      </label>
      {driven ? (
        <Driven id={id} name={name} node={node} />
      ) : (
        <ParamControl
          id={`${id}.${name}`}
          label={`${title}: ${spellName(name)}`}
          param={param}
          value={value}
          onChange={(next) =>
            editGraph(
              graph,
              (document) => setParam(document, graph.getState().cards, id, name, next),
              `param ${id}.${name}`,
            )
          }
          onLeave={() => endGroup(graph)}
        />
      )}
    </div>
  );
}

/** Where the value of a param comes from, and a button that gives it back the value it had. */
function Driven({ id, name, node }: { id: string; name: string; node: GraphNode }) {
  const { graph } = useEditor();
  const source = own(node.inputs, name)?.[0]?.[0] ?? '';
  const title = useGraph(({ document, cards }) => {
    const from = own(document.nodes, source);
    return from ? titleOf(from, cards) : source;
  });
  return (
    <span className="typed">
      <span className="driven-by faint">{messages.node.driven(title)}</span>
      <button
        type="button"
        className="icon-button nodrag"
        aria-label={`${spellName(name)}: ${messages.inspector.disconnect}`}
        title={messages.inspector.disconnect}
        onClick={() => editGraph(graph, (document) => disconnect(document, id, name))}
      >
        <Unplug size={14} aria-hidden />
      </button>
    </span>
  );
}
