import { isReroute } from '../../graphs/levels.ts';
import { NODE_TYPE } from '../canvas/flow.ts';
import { addNodeInMiddle } from '../commands.ts';
import { SearchList } from '../controls/SearchList.tsx';
import { useEditor, useGraph } from '../editor.ts';
import { messages } from '../messages.ts';
import { attempt } from '../session.ts';
import { choiceOf } from './Overlays.tsx';

/** All nodes by group; one that is chosen is put into the middle of the canvas or below it, or dragged to its place. */
export function NodesPanel() {
  const editor = useEditor();
  const cards = useGraph((state) => state.cards);
  return (
    <SearchList
      label={messages.search.add}
      draggedAs={NODE_TYPE}
      choices={[...cards.values()].filter((card) => !isReroute(card)).map(choiceOf)}
      onChoose={(key) => {
        const card = cards.get(key);
        if (card) void attempt(editor, () => addNodeInMiddle(editor, card));
      }}
    />
  );
}
