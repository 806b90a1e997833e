import { ArrowLeftToLine, Play, Plug, RotateCcw, Unplug, X } from 'lucide-react';
import { own } from '../../graphs/document/document.ts';
import { INPUTS, isBoundary, subgraphOf } from '../../graphs/document/levels.ts';
import { colourNode, disconnect, renameGraph, setParam } from '../../graphs/edit/edit.ts';
import { wiresOf } from '../../graphs/edit/rewire.ts';
import { addInput, type PortSide, removePort, renamePort, titleNode } from '../../graphs/edit/subgraphs.ts';
import { perform } from '../commands/commands.ts';
import { Image } from '../controls/Image.tsx';
import { ParamControl } from '../controls/ParamControl.tsx';
import { useEditor, useGraph, useNodeProblems, useRuns, useView } from '../state/editor.ts';
import { formatBytes, formatDuration, spellName } from '../state/format.ts';
import { editGraph, editWhole, endGroup, subgraphLookedAt } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { isOver, type Run, shownRun } from '../state/run.ts';
import { pickNodes } from '../state/selection.ts';
import { attempt, stopRun } from '../state/session.ts';

/** The panel at the right: the selected node with all that its params do, or the graph and its last run. */
export function Inspector() {
  const { view } = useEditor();
  const selection = useView((state) => state.selection);
  const nodes = useGraph((state) => state.document.nodes);
  const ids = pickNodes(selection).filter((id) => Object.hasOwn(nodes, id));
  const [id] = ids;
  return (
    <aside className="inspector" aria-label={messages.inspector.name}>
      <header className="panel-head">
        <h2>{ids.length > 1 ? messages.inspector.several(ids.length) : messages.inspector.name}</h2>
        <button
          type="button"
          className="icon-button"
          aria-label={messages.app.close}
          onClick={() => view.setState({ inspector: false })}
        >
          <X size={16} aria-hidden />
        </button>
      </header>
      {ids.length > 1 ? <Several ids={ids} /> : id !== undefined ? <OneNode key={id} id={id} /> : <WholeGraph />}
    </aside>
  );
}

function WholeGraph() {
  const { graph } = useEditor();
  const document = useGraph((state) => state.document);
  const run = useRuns(shownRun);
  return (
    <>
      <section className="inspector-part">
        <label className="inspector-field">
          {messages.inspector.graphTitle}
          <input
            className="field"
            value={document.title}
            onChange={({ target }) => editGraph(graph, (before) => renameGraph(before, target.value), 'graph title')}
            onBlur={() => endGroup(graph)}
          />
        </label>
        <p className="faint">
          {messages.inspector.summary(Object.keys(document.nodes).length, wiresOf(document).length)}
        </p>
        <p className="faint">{messages.inspector.nothing}</p>
      </section>
      <Ports />
      <section className="inspector-part">
        <h3>{messages.inspector.lastRun}</h3>
        {run ? <RunSummary run={run} /> : <p className="empty">{messages.run.nothingYet}</p>}
      </section>
    </>
  );
}

function RunSummary({ run }: { run: Run }) {
  const editor = useEditor();
  const files = Object.values(run.nodes).flatMap((node) => node.files ?? []);
  const images = files.filter(({ mime }) => mime.startsWith('image/'));
  const states = Object.values(run.nodes).map(({ state }) => state);
  const over = isOver(run);
  const count = (state: string) => states.filter((one) => one === state).length;
  return (
    <>
      <p className="faint" role="status">
        {over
          ? messages.run.summary(messages.run[run.state], formatDuration(run.ms ?? 0), count('done'), count('cached'))
          : messages.run[run.state]}
      </p>
      {run.freed ? <p className="faint">{messages.run.freed(formatBytes(run.freed))}</p> : null}
      {!over && (
        <button type="button" className="button" onClick={() => void stopRun(editor, run.id)}>
          {messages.run.stop}
        </button>
      )}
      {images.length > 0 && (
        <button
          type="button"
          className="thumbnails"
          aria-label={messages.results.open}
          onClick={() => editor.view.setState({ page: 'runs', folder: run.folder })}
        >
          {images.map((file) => (
            <Image
              key={`${file.node} ${file.name}`}
              bytes={file.bytes}
              mime={file.mime}
              alt={file.label?.prompt ?? file.name}
            />
          ))}
        </button>
      )}
    </>
  );
}

function Several({ ids }: { ids: readonly string[] }) {
  const editor = useEditor();
  return (
    <section className="inspector-part buttons">
      <Colours ids={ids} />
      {(
        [
          'runToHere',
          'makeSubgraph',
          'alignLeft',
          'alignTop',
          'distribute',
          'layout',
          'frame',
          'mute',
          'collapse',
        ] as const
      ).map((name) => (
        <button key={name} type="button" className="button" onClick={() => perform(editor, name)}>
          {messages.commands[name]}
        </button>
      ))}
    </section>
  );
}

/** Colours that nodes can be given. */
function Colours({ ids }: { ids: readonly string[] }) {
  const { graph } = useEditor();
  const given = useGraph(({ document }) => document.nodes[ids[0] ?? '']?.colour);
  const names = Object.keys(messages.inspector.colours) as (keyof typeof messages.inspector.colours)[];
  return (
    <fieldset className="colours">
      <legend>{messages.inspector.colour}</legend>
      {[undefined, ...names].map((name) => (
        <button
          key={name ?? 'none'}
          type="button"
          className={`swatch colour-${name ?? 'none'}`}
          aria-pressed={given === name}
          aria-label={name ? messages.inspector.colours[name] : messages.inspector.noColour}
          title={name ? messages.inspector.colours[name] : messages.inspector.noColour}
          onClick={() => editGraph(graph, (document) => ids.reduce((next, id) => colourNode(next, id, name), document))}
        />
      ))}
    </fieldset>
  );
}

function OneNode({ id }: { id: string }) {
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
        {problems.map(({ message, remedy }) => (
          <p key={message} className="card-problem">
            {message} {remedy}
          </p>
        ))}
        {!isBoundary(node) && (
          <button type="button" className="button" onClick={() => perform(editor, 'runToHere')}>
            <Play size={14} aria-hidden /> {messages.inspector.runToHere}
          </button>
        )}
        <Colours ids={[id]} />
      </section>
      {isBoundary(node) && <Ports />}
      {card && Object.keys(card.params).length > 0 && (
        <section className="inspector-part">
          {Object.entries(card.params).map(([name, param]) => {
            const wires = own(node.inputs, name) ?? [];
            const value = own(node.params, name) ?? param.initial;
            return (
              <div key={name} className="inspector-param">
                <div className="inspector-label">
                  <label htmlFor={`inspect-${name}`}>{spellName(name)}</label>
                  {wires.length > 0 && (
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
                  {wires.length === 0 && <ToWire id={id} name={name} />}
                  {value !== param.initial && wires.length === 0 && (
                    <button
                      type="button"
                      className="icon-button"
                      title={messages.inspector.initial}
                      aria-label={`${spellName(name)}: ${messages.inspector.initial}`}
                      onClick={() =>
                        editGraph(graph, (before) => setParam(before, graph.getState().cards, id, name, param.initial))
                      }
                    >
                      <RotateCcw size={14} aria-hidden />
                    </button>
                  )}
                </div>
                {wires.length > 0 ? (
                  <p className="faint">{messages.inspector.driven}</p>
                ) : (
                  <ParamControl
                    id={`inspect-${name}`}
                    label={spellName(name)}
                    param={param}
                    value={value}
                    onChange={(next) =>
                      editGraph(
                        graph,
                        (before) => setParam(before, graph.getState().cards, id, name, next),
                        `param ${id}.${name}`,
                      )
                    }
                    onLeave={() => endGroup(graph)}
                  />
                )}
                <p className="faint help">{param.help}</p>
              </div>
            );
          })}
        </section>
      )}
    </>
  );
}

/** Buttons that make an input of a param: one for a wire from a node to be chosen, inside a subgraph one for a port. */
function ToWire({ id, name }: { id: string; name: string }) {
  const { graph, view, canvas } = useEditor();
  const inside = useGraph(subgraphLookedAt);
  const ports = useGraph(({ document }) =>
    Object.keys(document.nodes).find((other) => document.nodes[other]?.type === INPUTS),
  );
  const [x, y] = useGraph(({ document }) => document.nodes[id]?.position ?? origin);
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
              at: { x, y },
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
const origin = [0, 0] as const;

/** The ports of the subgraph that is being edited, to be renamed and removed. */
function Ports() {
  const { graph } = useEditor();
  const inside = useGraph(subgraphLookedAt);
  const subgraph = useGraph(({ whole }) => (inside === undefined ? undefined : whole.subgraphs?.[inside]));
  if (inside === undefined || !subgraph) return null;
  return (['inputs', 'outputs'] as const).map((side) => (
    <section key={side} className="inspector-part">
      <h3>{messages.inspector.ports[side]}</h3>
      {Object.keys(subgraph[side]).length === 0 && <p className="faint">{messages.inspector.noPorts}</p>}
      <ul className="rows">
        {Object.entries(subgraph[side])
          .sort()
          .map(([port, type]) => (
            <li key={port}>
              <PortName side={side} port={port} inside={inside} />
              <small className="faint">{type}</small>
              <button
                type="button"
                className="icon-button"
                aria-label={messages.inspector.removePort(port)}
                title={messages.inspector.removePort(port)}
                onClick={() => editWhole(graph, (whole) => removePort(whole, inside, side, port))}
              >
                <X size={14} aria-hidden />
              </button>
            </li>
          ))}
      </ul>
    </section>
  ));
}

function PortName({ side, port, inside }: { side: PortSide; port: string; inside: string }) {
  const editor = useEditor();
  return (
    <input
      className="field"
      aria-label={messages.inspector.portName(port)}
      defaultValue={port}
      spellCheck={false}
      onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
      onBlur={({ target }) => {
        const called = target.value.trim();
        target.value = port; // the new name comes with the graph, or is refused
        if (called !== port && called !== '')
          void attempt(editor, () => editWhole(editor.graph, (whole) => renamePort(whole, inside, side, port, called)));
      }}
    />
  );
}
