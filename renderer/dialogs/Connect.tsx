import { titleOf } from '../../graphs/document/problems.ts';
import { connect } from '../../graphs/edit/edit.ts';
import type { Choice } from '../controls/ChoiceList.tsx';
import { listPossibleWires } from '../level/fitting.ts';
import { useEditor } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { editGraph } from '../state/graph.ts';
import { messages } from '../state/messages.ts';
import type { Overlay } from '../state/view.ts';
import { SearchBox } from './SearchBox.tsx';

/** Every wire that a node can have, to be chosen by its names: wiring without a pointer. */
export function Connect({ overlay, close }: { overlay: Extract<Overlay, { kind: 'connect' }>; close(): void }) {
  const { graph } = useEditor();
  const { document, cards } = graph.getState();
  const { node: id, screen } = overlay;
  const titleAt = (node: string) => titleOf(document.nodes[node]!, cards);
  const wires = listPossibleWires(document, cards, id);
  const choices = wires.map(({ wire: [from, output], node, name }, i): Choice => {
    const [out, into] = [spellName(output), spellName(name)];
    const label =
      from === id
        ? messages.search.wireTo(out, titleAt(node), into)
        : messages.search.wireFrom(into, titleAt(from), out);
    return { key: String(i), label };
  });
  return (
    <SearchBox
      label={messages.search.wires(titleAt(id))}
      name={messages.commands.connect}
      choices={choices}
      at={screen}
      onChoose={(key) => {
        const chosen = wires[Number(key)];
        close();
        if (chosen) editGraph(graph, (before) => connect(before, cards, chosen.wire, chosen.node, chosen.name));
      }}
    />
  );
}
