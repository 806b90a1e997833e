import { X } from 'lucide-react';
import { type PortSide, removePort, renamePort } from '../../graphs/edit/subgraphs.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { editWhole, findCurrentSubgraph } from '../state/graph.ts';
import { messages } from '../state/messages.ts';

/** The ports of the subgraph that is being edited, to be renamed and removed. */
export function GraphPorts() {
  const { graph } = useEditor();
  const inside = useGraph(findCurrentSubgraph);
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
