import { isReroute } from '../../graphs/document/levels.ts';
import { addNodeInMiddle } from '../commands/add.ts';
import { CARD_DRAG_TYPE, describeCardChoice } from '../controls/cardChoice.ts';
import { SearchList } from '../controls/SearchList.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { messages } from '../state/messages.ts';

/** All nodes by group; one that is chosen is put into the middle of the canvas or below it, or dragged to its place. */
export function NodesPanel() {
  const editor = useEditor();
  const cards = useGraph((state) => state.cards);
  return (
    <SearchList
      label={messages.search.add}
      draggedAs={CARD_DRAG_TYPE}
      choices={[...cards.values()].filter((card) => !isReroute(card)).map(describeCardChoice)}
      onChoose={(key) => {
        const card = cards.get(key);
        if (card) void attempt(editor, () => addNodeInMiddle(editor, card));
      }}
    />
  );
}
