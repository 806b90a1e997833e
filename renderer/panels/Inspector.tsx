import { Play, RotateCcw, Unplug, X } from 'lucide-react';
import { own } from '../../graphs/document.ts';
import { disconnect, renameGraph, renameNode, setParam } from '../../graphs/edit.ts';
import { wiresOf } from '../../graphs/rewire.ts';
import { wordsOf } from '../canvas/NodeView.tsx';
import { commandOf, perform } from '../commands.ts';
import { ParamControl } from '../controls/ParamControl.tsx';
import { Picture } from '../controls/Picture.tsx';
import { useEditor, useGraph, useRuns, useView } from '../editor.ts';
import { bytesOf, durationOf, messages } from '../messages.ts';
import { stopRun } from '../session.ts';
import { editGraph, endGroup } from '../state/graph.ts';
import { isOver, type Run, shownRun } from '../state/run.ts';

/** The panel at the right: the selected node with all that its params do, or the graph and its last run. */
export function Inspector() {
  const { view } = useEditor();
  const selection = useView((state) => state.selection);
  const nodes = useGraph((state) => state.document.nodes);
  const ids = [...selection].filter((id) => Object.hasOwn(nodes, id));
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
      {ids.length > 1 ? <Several /> : id !== undefined ? <OneNode key={id} id={id} /> : <WholeGraph />}
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
  const pictures = files.filter(({ mime }) => mime.startsWith('image/'));
  const states = Object.values(run.nodes).map(({ state }) => state);
  const over = isOver(run);
  const count = (state: string) => states.filter((one) => one === state).length;
  return (
    <>
      <p className="faint" role="status">
        {over
          ? messages.run.summary(messages.run[run.state], durationOf(run.ms ?? 0), count('done'), count('cached'))
          : messages.run[run.state]}
      </p>
      {run.freed ? <p className="faint">{messages.run.freed(bytesOf(run.freed))}</p> : null}
      {!over && (
        <button type="button" className="button" onClick={() => void stopRun(editor, run.id)}>
          {messages.run.stop}
        </button>
      )}
      {pictures.length > 0 && (
        <button
          type="button"
          className="thumbnails"
          aria-label={messages.results.open}
          onClick={() => editor.view.setState({ page: 'runs', folder: run.folder })}
        >
          {pictures.map((file) => (
            <Picture key={`${file.node} ${file.name}`} bytes={file.bytes} alt={file.label?.prompt ?? file.name} />
          ))}
        </button>
      )}
    </>
  );
}

function Several() {
  const editor = useEditor();
  return (
    <section className="inspector-part buttons">
      {(['runToHere', 'alignLeft', 'alignTop', 'distribute', 'layout', 'frame', 'mute', 'collapse'] as const).map(
        (name) => {
          const command = commandOf(name);
          return (
            command && (
              <button key={name} type="button" className="button" onClick={() => perform(editor, command)}>
                {messages.commands[name]}
              </button>
            )
          );
        },
      )}
    </section>
  );
}

function OneNode({ id }: { id: string }) {
  const editor = useEditor();
  const { graph } = editor;
  const node = useGraph((state) => state.document.nodes[id]);
  const card = useGraph((state) => state.cards.get(node?.type ?? ''));
  const problems = useGraph((state) => state.problems);
  const toHere = commandOf('runToHere');
  if (!node) return null;
  return (
    <>
      <section className="inspector-part">
        <label className="inspector-field">
          {messages.node.title}
          <input
            className="field"
            value={node.title ?? ''}
            placeholder={card?.title ?? node.type}
            onChange={({ target }) => editGraph(graph, (before) => renameNode(before, id, target.value), `name ${id}`)}
            onBlur={() => endGroup(graph)}
          />
        </label>
        {card && <p>{card.summary}</p>}
        {card?.source && (
          <p className="faint">
            {messages.inspector.source}: {card.source}
          </p>
        )}
        {problems
          .filter(({ at }) => at.node === id)
          .map(({ message, remedy }) => (
            <p key={message} className="card-problem">
              {message} {remedy}
            </p>
          ))}
        <button type="button" className="button" onClick={() => toHere && perform(editor, toHere)}>
          <Play size={14} aria-hidden /> {messages.inspector.runToHere}
        </button>
      </section>
      {card && Object.keys(card.params).length > 0 && (
        <section className="inspector-part">
          {Object.entries(card.params).map(([name, param]) => {
            const wires = own(node.inputs, name) ?? [];
            const value = own(node.params, name) ?? param.initial;
            return (
              <div key={name} className="inspector-param">
                <div className="inspector-label">
                  <label htmlFor={`inspect-${name}`}>{wordsOf(name)}</label>
                  {wires.length > 0 && (
                    <button
                      type="button"
                      className="icon-button"
                      title={messages.inspector.disconnect}
                      aria-label={`${wordsOf(name)}: ${messages.inspector.disconnect}`}
                      onClick={() => editGraph(graph, (before) => disconnect(before, id, name))}
                    >
                      <Unplug size={14} aria-hidden />
                    </button>
                  )}
                  {value !== param.initial && wires.length === 0 && (
                    <button
                      type="button"
                      className="icon-button"
                      title={messages.inspector.initial}
                      aria-label={`${wordsOf(name)}: ${messages.inspector.initial}`}
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
                    label={wordsOf(name)}
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
