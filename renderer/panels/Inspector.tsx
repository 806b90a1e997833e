import { renameGraph } from '../../graphs/edit/edit.ts';
import { listWires } from '../../graphs/edit/rewire.ts';
import { perform } from '../commands/commands.ts';
import { useEditor, useGraph, useRuns, useView } from '../state/editor.ts';
import { editGraph, endGroup } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import { shownRun } from '../state/run.ts';
import { pickNodes } from '../state/selection.ts';
import { Colours } from './Colours.tsx';
import { GraphPorts } from './GraphPorts.tsx';
import { LastRun } from './LastRun.tsx';
import { NodeInspector } from './NodeInspector.tsx';
import { PanelHead } from './PanelHead.tsx';

/** The panel at the right: the selected node with all that its params do, or the graph and its last run. */
export function Inspector() {
  const { view } = useEditor();
  const selection = useView((state) => state.selection);
  const nodes = useGraph((state) => state.document.nodes);
  const ids = pickNodes(selection).filter((id) => Object.hasOwn(nodes, id));
  const [id] = ids;
  return (
    <aside className="inspector" aria-label={messages.inspector.name}>
      <PanelHead
        title={ids.length > 1 ? messages.inspector.several(ids.length) : messages.inspector.name}
        onClose={() => view.setState({ inspector: false })}
      />
      {ids.length > 1 ? <Several ids={ids} /> : id !== undefined ? <NodeInspector key={id} id={id} /> : <WholeGraph />}
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
          {messages.inspector.summary(Object.keys(document.nodes).length, listWires(document).length)}
        </p>
        <p className="faint">{messages.inspector.nothing}</p>
      </section>
      <GraphPorts />
      <section className="inspector-part">
        <h3>{messages.inspector.lastRun}</h3>
        {run ? <LastRun run={run} /> : <p className="empty">{messages.run.nothingYet}</p>}
      </section>
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
