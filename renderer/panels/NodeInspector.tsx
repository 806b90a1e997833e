import { ArrowLeftToLine, ListPlus, Play, Plug, RotateCcw, Unplug } from 'lucide-react';
import { type GraphNode, type Json, own } from '../../graphs/document/document.ts';
import { INPUTS, isBoundary, subgraphOf } from '../../graphs/document/levels.ts';
import { disconnect, setParam } from '../../graphs/edit/edit.ts';
import { exposeParam, hideParam, showResults } from '../../graphs/edit/form.ts';
import { addInput, titleNode } from '../../graphs/edit/subgraphs.ts';
import type { Param } from '../../nodes/params.ts';
import { perform } from '../commands/commands.ts';
import { ProblemText } from '../commands/ProblemText.tsx';
import { ParamControl } from '../controls/ParamControl.tsx';
import { GRID } from '../level/grid.ts';
import { useEditor, useGraph, useNodeProblems } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { editGraph, editWhole, endGroup, findCurrentSubgraph, wholeId } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { Colours } from './Colours.tsx';
import { GraphPorts } from './GraphPorts.tsx';

/** Everything about one node: title, problems, colour and params. */
export function NodeInspector({ id }: { id: string }) {
  const editor = useEditor();
  const { graph } = editor;
  const node = useGraph((state) => state.document.nodes[id]);
  const card = useGraph((state) => state.cards.get(node?.type ?? ''));
  const problems = useNodeProblems(id);
  if (!node) return null;
  return (
    <>
      <section className="inspector-part">
        <label className="inspector-field">
          {messages.node.title}
          <input
            className="field"
            value={subgraphOf(node) === undefined ? (node.title ?? '') : (card?.title ?? '')}
            placeholder={card?.title ?? node.type}
            onChange={({ target }) => editGraph(graph, (before) => titleNode(before, id, target.value), `name ${id}`)}
            onBlur={() => endGroup(graph)}
          />
        </label>
        {card && <p>{card.summary}</p>}
        {card?.source && (
          <p className="faint">
            {messages.inspector.source}: {card.source}
          </p>
        )}
        {problems.map((problem) => (
          <div key={problem.message} className="card-problem">
            <ProblemText problem={problem} />
          </div>
        ))}
        {!isBoundary(node) && (
          <button type="button" className="button" onClick={() => perform(editor, 'runToHere')}>
            <Play size={14} aria-hidden /> {messages.inspector.runToHere}
          </button>
        )}
        <ResultsSwitch id={id} />
        <Colours ids={[id]} />
      </section>
      {isBoundary(node) && <GraphPorts />}
      {card && Object.keys(card.params).length > 0 && (
        <section className="inspector-part">
          {Object.entries(card.params).map(([name, param]) => (
            <ParamField key={name} id={id} name={name} param={param} node={node} />
          ))}
        </section>
      )}
    </>
  );
}

interface ParamFieldProps {
  readonly id: string;
  readonly name: string;
  readonly param: Param;
  readonly node: GraphNode;
}

/** A param with its control and what it does, and buttons that wire it, unwire it or set it back. */
function ParamField({ id, name, param, node }: ParamFieldProps) {
  const { graph } = useEditor();
  const isDriven = (own(node.inputs, name) ?? []).length > 0;
  const value = own(node.params, name) ?? param.initial;
  const set = (next: Json, group?: string) =>
    editGraph(graph, (before) => setParam(before, graph.getState().cards, id, name, next), group);
  return (
    <div className="inspector-param">
      <div className="inspector-label">
        <label htmlFor={`inspect-${name}`}>{spellName(name)}</label>
        {isDriven && (
          <button
            type="button"
            className="icon-button"
            title={messages.inspector.disconnect}
            aria-label={`${spellName(name)}: ${messages.inspector.disconnect}`}
            onClick={() => editGraph(graph, (before) => disconnect(before, id, name))}
          >
            <Unplug size={14} aria-hidden />
          </button>
        )}
        {!isDriven && <WireButtons id={id} name={name} />}
        {!isDriven && <FormButton id={id} name={name} />}
        {!isDriven && value !== param.initial && (
          <button
            type="button"
            className="icon-button"
            title={messages.inspector.initial}
            aria-label={`${spellName(name)}: ${messages.inspector.initial}`}
            onClick={() => set(param.initial)}
          >
            <RotateCcw size={14} aria-hidden />
          </button>
        )}
      </div>
      {isDriven ? (
        <p className="faint">{messages.inspector.driven}</p>
      ) : (
        <ParamControl
          id={`inspect-${name}`}
          label={spellName(name)}
          param={param}
          value={value}
          onChange={(next) => set(next, `param ${id}.${name}`)}
          onLeave={() => endGroup(graph)}
        />
      )}
      <p className="faint help">{param.help}</p>
    </div>
  );
}

/** Buttons that drive a param by a wire: from a node to be chosen or, inside a subgraph, from a new port. */
function WireButtons({ id, name }: { id: string; name: string }) {
  const { graph, view, canvas } = useEditor();
  const inside = useGraph(findCurrentSubgraph);
  const ports = useGraph(({ document }) =>
    Object.keys(document.nodes).find((other) => document.nodes[other]?.type === INPUTS),
  );
  const [x, y] = useGraph(({ document }) => document.nodes[id]?.position ?? ORIGIN);
  return (
    <>
      <button
        type="button"
        className="icon-button"
        title={messages.inspector.drive}
        aria-label={`${spellName(name)}: ${messages.inspector.drive}`}
        onClick={({ clientX, clientY }) =>
          view.setState({
            overlay: {
              kind: 'addNode',
              at: { x: x - GRID * 6, y },
              screen: canvas?.screenOf({ x, y }) ?? { x: clientX, y: clientY },
              from: { side: 'target', node: id, name },
            },
          })
        }
      >
        <Plug size={14} aria-hidden />
      </button>
      {inside !== undefined && ports !== undefined && (
        <button
          type="button"
          className="icon-button"
          title={messages.inspector.expose}
          aria-label={`${spellName(name)}: ${messages.inspector.expose}`}
          onClick={() =>
            editGraph(graph, (before) => addInput(before, graph.getState().cards, inside, ports, id, name))
          }
        >
          <ArrowLeftToLine size={14} aria-hidden />
        </button>
      )}
    </>
  );
}
const ORIGIN = [0, 0] as const;

/** Shows a param in the form of the graph, or hides it there. */
function FormButton({ id, name }: { id: string; name: string }) {
  const { graph } = useEditor();
  const param = useGraph((state) => `${wholeId(state, id)}.${name}`);
  const isShown = useGraph(({ whole }) => whole.form?.fields.some((field) => field.param === param) ?? false);
  const label = isShown ? messages.form.hide : messages.form.show;
  return (
    <button
      type="button"
      className="icon-button"
      aria-pressed={isShown}
      title={label}
      aria-label={`${spellName(name)}: ${label}`}
      onClick={() => editWhole(graph, (whole) => (isShown ? hideParam(whole, param) : exposeParam(whole, param)))}
    >
      <ListPlus size={14} aria-hidden />
    </button>
  );
}

/** Whether the form shows the results of a node at the top. */
function ResultsSwitch({ id }: { id: string }) {
  const { graph } = useEditor();
  const isAtTop = useGraph(({ path }) => path.length === 0);
  const isShown = useGraph(({ whole }) => whole.form?.results.includes(id) ?? false);
  if (!isAtTop) return null;
  return (
    <label className="inspector-switch">
      <input
        type="checkbox"
        role="switch"
        aria-checked={isShown}
        className="switch"
        checked={isShown}
        onChange={({ target }) => editWhole(graph, (whole) => showResults(whole, id, target.checked))}
      />
      {messages.form.showResults}
    </label>
  );
}
