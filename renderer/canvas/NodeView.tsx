import { SquareArrowDownRight, Unplug } from 'lucide-react';
import { memo, useEffect, useRef, useState } from 'react';
import { Handle, type NodeProps, Position, useStoreApi, useUpdateNodeInternals } from 'reactflow';
import { type GraphNode, own } from '../../graphs/document/document.ts';
import { type Problem, titleOf } from '../../graphs/document/errors.ts';
import { INPUTS, isBoundary, OUTPUTS, subgraphOf } from '../../graphs/document/levels.ts';
import { arrivalAt } from '../../graphs/document/wires.ts';
import { collapseNode, disconnect, setParam } from '../../graphs/edit/edit.ts';
import { titleNode } from '../../graphs/edit/subgraphs.ts';
import type { NodeCard } from '../../nodes/card.ts';
import { type Param, wireTypeOf } from '../../nodes/params.ts';
import type { PortType } from '../../nodes/ports.ts';
import { goInto } from '../commands/commands.ts';
import { ParamControl } from '../controls/ParamControl.tsx';
import { TitleField } from '../controls/TitleField.tsx';
import { useEditor, useGraph, useNodeProblems, useNodeRun, useView } from '../state/editor.ts';
import { editGraph, endGroup } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { cardShape, SHOWN_PARAMS } from './cardShape.ts';
import { typeAt } from './fitting.ts';
import { type CardFlowNode, looseEnd } from './flow.ts';
import { NEW_PORT } from './joining.ts';
import { NodeOutcome, RunChip } from './NodeOutcome.tsx';

/** A node of a graph on the canvas. Drawn again only when the node itself, its problems or its run changed. */
export const NodeView = memo(
  ({ id, data, selected }: NodeProps<CardFlowNode>) => {
    const far = useView((state) => state.far);
    const Body = far ? FarNode : NodeBody;
    useMeasuredAnew(id, far);
    return <Body id={id} node={data.node} selected={selected ?? false} />;
  },
  (before, after) => before.id === after.id && before.data === after.data && before.selected === after.selected,
);

/** What was drawn from afar had no sockets to measure. */
function useMeasuredAnew(id: string, far: boolean): void {
  const measure = useUpdateNodeInternals();
  const wasFar = useRef(far);
  useEffect(() => {
    if (wasFar.current && !far) measure(id);
    wasFar.current = far;
  }, [id, far, measure]);
}

interface NodeBodyProps {
  readonly id: string;
  readonly node: GraphNode;
  readonly selected: boolean;
}

/** A node seen from afar: a box of its size with its title, in the colour of what it gives; pointed at, with its sockets. */
function FarNode({ id, node, selected }: NodeBodyProps) {
  const { graph } = useEditor();
  const [pointed, setPointed] = useState(false);
  const measure = useUpdateNodeInternals();
  useEffect(() => {
    if (pointed) measure(id); // its sockets are there now
  }, [id, pointed, measure]);
  const { height } = useStoreApi().getState().nodeLookup.get(id)?.measured ?? {};
  const card = useGraph(({ cards }) => cards.get(node.type));
  const wrong = useNodeProblems(id).length > 0;
  const state = useNodeRun(id)?.state;
  const [given, taken] = [card?.outputs ?? {}, card?.inputs ?? {}].map((ports) => Object.values(ports)[0]?.type);
  const classes = [
    'card far',
    `type-${given ?? taken ?? 'unknown'}`,
    selected && 'selected',
    node.muted && 'muted',
    (wrong || state === 'failed') && 'wrong',
    state && `run-${state}`,
    node.colour && `colour-${node.colour}`,
  ];
  const title = node.title ?? card?.title ?? node.type;
  return (
    <article
      className={classes.filter(Boolean).join(' ')}
      aria-label={title}
      style={{ height }}
      onPointerMove={() => setPointed(true)} // what comes under the pointer as the view is zoomed is not entered
      onPointerLeave={() => setPointed(false)}
    >
      <h2 style={{ fontSize: Math.min(32, 0.36 * (height ?? 96)) }}>{title}</h2>
      {pointed &&
        cardShape(node, graph.getState().cards).handles.map(({ id: name, type, y, height = 0 }) => (
          <Socket
            key={`${type} ${name}`}
            side={type}
            name={String(name)}
            type={typeAt(graph.getState().document, graph.getState().cards, looseEnd(id, String(name), type))}
            top={y + height / 2}
          />
        ))}
    </article>
  );
}

function NodeBody({ id, node, selected }: NodeBodyProps) {
  const card = useGraph(({ cards }) => cards.get(node.type));
  const problems = useNodeProblems(id);
  const run = useNodeRun(id);
  const [first] = problems;
  const classes = [
    'card',
    selected && 'selected',
    node.muted && 'muted',
    (first || run?.state === 'failed') && 'wrong',
    run && `run-${run.state}`,
    node.colour && `colour-${node.colour}`,
    isBoundary(node) && 'boundary',
  ];
  const title = node.title ?? card?.title ?? node.type;
  return (
    <article className={classes.filter(Boolean).join(' ')} aria-label={title}>
      <header className="card-head">
        <NodeTitle id={id} title={title} />
        <RunChip id={id} />
        {card && subgraphOf(node) !== undefined && <InsideButton id={id} title={title} />}
      </header>
      {run?.state === 'running' && (
        <progress
          className="card-progress"
          aria-label={messages.run.progressOf(title)}
          max={1}
          value={run.fraction ?? 0}
        />
      )}
      {card ? (
        <Ports id={id} node={node} card={card} problems={problems} selected={selected} />
      ) : (
        <UnknownPorts node={node} />
      )}
      {first && (
        <p className="card-problem" title={[first.message, first.remedy].join(' ')}>
          {first.code === 'UNKNOWN_TYPE' ? messages.node.unknown(node.type) : (first.remedy ?? first.message)}
        </p>
      )}
      {!node.collapsed && <NodeOutcome id={id} />}
    </article>
  );
}

function InsideButton({ id, title }: { id: string; title: string }) {
  const editor = useEditor();
  return (
    <button
      type="button"
      className="icon-button nodrag"
      aria-label={`${messages.commands.goInside}: ${title}`}
      title={messages.commands.goInside}
      onClick={() => goInto(editor, id)}
    >
      <SquareArrowDownRight size={14} aria-hidden />
    </button>
  );
}

function NodeTitle({ id, title }: { id: string; title: string }) {
  const { graph, view } = useEditor();
  const naming = useView((state) => state.naming === id);
  if (!naming) {
    return (
      <h2
        className="card-title"
        title={title}
        onDoubleClick={(event) => {
          event.stopPropagation();
          view.setState({ naming: id });
        }}
      >
        {title}
      </h2>
    );
  }
  return (
    <TitleField
      className="card-title nodrag"
      label={messages.node.title}
      title={title}
      onChange={(name) => editGraph(graph, (document) => titleNode(document, id, name), `name ${id}`)}
      onKey={(event) => event.stopPropagation()}
    />
  );
}

interface PortsProps {
  readonly id: string;
  readonly node: GraphNode;
  readonly card: NodeCard;
  readonly problems: readonly Problem[];
  readonly selected: boolean;
}

function Ports({ id, node, card, problems }: PortsProps) {
  const { graph } = useEditor();
  const [all, setAll] = useState(false);
  const inputs = Object.entries(card.inputs);
  const outputs = Object.entries(card.outputs);
  const params = Object.entries(card.params);
  const matters = ([name]: [string, Param]) =>
    own(node.inputs, name)?.length || problems.some(({ at }) => at.param === name);
  const shown = all ? params : params.filter((entry, i) => i < SHOWN_PARAMS || matters(entry));
  if (node.collapsed) {
    return (
      <div className="card-folded">
        {[
          ...inputs.map(([name, { type }]) => ({ name, type })),
          ...params.map(([name, param]) => ({ name, type: wireTypeOf(param) })),
        ].map(({ name, type }) => (
          <Socket key={name} side="target" name={name} type={type} />
        ))}
        {outputs.map(([name, { type, list }]) => (
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
  const rows = Math.max(inputs.length, outputs.length);
  const strange = Object.keys(node.inputs).filter((name) => !arrivalAt(card, name));
  return (
    <>
      {(rows > 0 || isBoundary(node) || strange.length > 0) && (
        <div className="ports">
          <ul className="port-column">
            {inputs.map(([name, { type, count, help }]) => (
              <li
                key={name}
                className={problems.some(({ at }) => at.port === name) ? 'port wrong' : 'port'}
                title={messages.node.input(name, type, count, help)}
              >
                <Socket side="target" name={name} type={type} list={count === 'many'} />
                <span className={count === 'optional' ? 'faint' : undefined}>{wordsOf(name)}</span>
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
              <li key={name} className="port" title={messages.node.output(name, type, list, help)}>
                <span>{wordsOf(name)}</span>
                <Socket side="source" name={name} type={type} list={list} />
              </li>
            ))}
            {node.type === INPUTS && <NewPort side="source" />}
          </ul>
        </div>
      )}
      {params.length > 0 && (
        <div className="params">
          {shown.map(([name, param]) => (
            <ParamRow
              key={name}
              id={id}
              name={name}
              param={param}
              node={node}
              wrong={problems.some(({ at }) => at.param === name)}
            />
          ))}
          {shown.length < params.length || all ? (
            <button type="button" className="text-button nodrag" onClick={() => setAll(!all)}>
              {all ? messages.node.fewer : messages.node.more(params.length - shown.length)}
            </button>
          ) : null}
        </div>
      )}
    </>
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

interface ParamRowProps {
  readonly id: string;
  readonly name: string;
  readonly param: Param;
  readonly node: GraphNode;
  readonly wrong: boolean;
}

function ParamRow({ id, name, param, node, wrong }: ParamRowProps) {
  const { graph } = useEditor();
  const driven = (own(node.inputs, name)?.length ?? 0) > 0;
  const value = own(node.params, name) ?? param.initial;
  const long = param.kind === 'text' && param.multiline;
  const title = useGraph(({ cards }) => titleOf(node, cards));
  const label = `${title}: ${wordsOf(name)}`;
  return (
    <div className={`param${long ? ' wide' : ''}${wrong ? ' wrong' : ''}${driven ? ' driven' : ''}`}>
      <Socket side="target" name={name} type={wireTypeOf(param)} quiet={!driven} />
      <label htmlFor={`${id}.${name}`} title={param.help}>
        {wordsOf(name)}
      </label>
      {driven ? (
        <Driven id={id} name={name} node={node} />
      ) : (
        <ParamControl
          id={`${id}.${name}`}
          label={label}
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
        aria-label={`${wordsOf(name)}: ${messages.inspector.disconnect}`}
        title={messages.inspector.disconnect}
        onClick={() => editGraph(graph, (document) => disconnect(document, id, name))}
      >
        <Unplug size={14} aria-hidden />
      </button>
    </span>
  );
}

/** The ports of a node of unknown type, as far as its wires tell. */
function UnknownPorts({ node }: { node: GraphNode }) {
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

function Socket({ side, name, type, list, quiet, top }: SocketProps) {
  return (
    <Handle
      id={name}
      type={side}
      position={side === 'target' ? Position.Left : Position.Right}
      className={`socket type-${type ?? 'unknown'}${list ? ' list' : ''}${quiet ? ' quiet' : ''}`}
      {...(top === undefined ? {} : { style: { top }, title: wordsOf(name) })}
    />
  );
}

/** A name of a port or param as people read it: `guidanceScale` is `guidance scale`. */
export function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
