import { type GraphNode, own } from '../../graphs/document/document.ts';
import { levelOf, subgraphAt, subgraphOf } from '../../graphs/document/levels.ts';
import { titleOf } from '../../graphs/document/problems.ts';
import type { NodeCard } from '../../nodes/card.ts';
import { formatParam } from '../../nodes/params.ts';
import { goToNode } from '../commands/levels.ts';
import type { Choice } from '../controls/ChoiceList.tsx';
import { useEditor } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { levelCards } from '../state/nodeCards.ts';
import { SearchBox } from './SearchBox.tsx';

/**
 * The nodes of the graph and of its subgraphs by title, type, values of params and what prompts say, to be brought to the
 * middle.
 */
export function FindNode({ close }: { close(): void }) {
  const editor = useEditor();
  const { whole, library } = editor.graph.getState();
  const listChoices = (path: readonly string[], group: string): Choice[] => {
    const name = subgraphAt(whole, path);
    const [level, cards] = [levelOf(whole, name), levelCards(whole, library, name)];
    return Object.entries(level.nodes).flatMap(([id, node]): Choice[] => {
      const title = titleOf(node, cards);
      const card = cards.get(node.type);
      const lines = [`${card?.title ?? ''} ${node.type} ${id}`, ...describeParams(node, card)];
      const choice = { key: [...path, id].join('/'), label: title, detail: card?.summary ?? id, lines, group };
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

/** What the params of a node are, a line each: `prompts: a red circle`. */
function describeParams(node: GraphNode, card: NodeCard | undefined): string[] {
  return Object.entries({ ...card?.params, ...node.params }).flatMap(([name]) => {
    const param = card && own(card.params, name);
    const value = own(node.params, name) ?? param?.initial;
    const shown = param ? formatParam(param, value) : JSON.stringify(value);
    return `${shown}`.split('\n').map((line) => `${spellName(name)}: ${line}`);
  });
}
