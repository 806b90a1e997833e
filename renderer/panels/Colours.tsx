import { colourNode } from '../../graphs/edit/edit.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import { messages, nodeColours } from '../state/messages.ts';

/** Colours that nodes can be given. */
export function Colours({ ids }: { ids: readonly string[] }) {
  const { graph } = useEditor();
  const given = useGraph(({ document }) => document.nodes[ids[0] ?? '']?.colour);
  return (
    <fieldset className="colours">
      <legend>{messages.inspector.colour}</legend>
      {[undefined, ...nodeColours].map((name) => (
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
