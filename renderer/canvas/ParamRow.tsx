import { Unplug } from 'lucide-react';
import { type GraphNode, own } from '../../graphs/document/document.ts';
import { titleOf } from '../../graphs/document/problems.ts';
import { disconnect, setParam } from '../../graphs/edit/edit.ts';
import { formatParam, type Param, wireTypeOf } from '../../nodes/params.ts';
import { ParamControl } from '../controls/ParamControl.tsx';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { editGraph, endGroup } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { findGenerator } from '../state/modelUses.ts';
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
  const { graph, view } = useEditor();
  const driven = (own(node.inputs, name)?.length ?? 0) > 0;
  const value = own(node.params, name) ?? param.initial;
  const long = param.kind === 'text' && param.multiline;
  const title = useGraph(({ cards }) => titleOf(node, cards));
  const isWord = !driven && messages.controls.words[formatParam(param, value)] !== undefined && 'words' in param;
  const meaning = useMeaning(id, name, isWord);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only tells what it is
    <div
      className={`param${long ? ' wide' : ''}${isWord ? ' word' : ''}${wrong ? ' wrong' : ''}${driven ? ' driven' : ''}`}
      onPointerEnter={() => view.setState({ help: param.help })}
      onPointerLeave={() => view.setState({ help: undefined })}
      onFocus={() => view.setState({ help: param.help })}
      onBlur={() => view.setState({ help: undefined })}
    >
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
          meaning={meaning}
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

/** What a word of a param stands for: of steps those that the model of the node's generator recommends. */
function useMeaning(id: string, name: string, isWord: boolean): string | undefined {
  const isAsked = isWord && name === 'steps';
  const model = useGraph(({ document, cards }) => (isAsked ? findGenerator(document, cards, id) : undefined));
  const steps = useView(({ models }) => models?.models.find((each) => each.name === model)?.steps);
  return model === undefined || steps === undefined ? undefined : messages.models.steps(steps);
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
