import { levelCards, levelOf, subgraphAt, subgraphOf } from '../../graphs/document/levels.ts';
import { titleOf } from '../../graphs/document/problems.ts';
import { goToNode } from '../commands/levels.ts';
import type { Choice } from '../controls/ChoiceList.tsx';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { SearchBox } from './SearchBox.tsx';

/** The nodes of the graph and of its subgraphs, to be brought to the middle. */
export function FindNode({ close }: { close(): void }) {
  const editor = useEditor();
  const { whole, library } = editor.graph.getState();
  const listChoices = (path: readonly string[], group: string): Choice[] => {
    const name = subgraphAt(whole, path);
    const [level, cards] = [levelOf(whole, name), levelCards(whole, library, name)];
    return Object.entries(level.nodes).flatMap(([id, node]): Choice[] => {
      const title = titleOf(node, cards);
      const choice = { key: [...path, id].join('/'), label: title, detail: cards.get(node.type)?.summary ?? id, group };
      return [choice, ...(subgraphOf(node) === undefined ? [] : listChoices([...path, id], title))];
    });
  };
  return (
    <SearchBox
      label={messages.search.find}
      choices={listChoices([], whole.title)}
      onChoose={(pathName) => {
        close();
        goToNode(editor, pathName);
      }}
    />
  );
}
