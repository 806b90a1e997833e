import { addNodeAt } from '../commands/add.ts';
import { describeCardChoice } from '../controls/cardChoice.ts';
import { findFittingCards } from '../level/fitting.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph } from '../state/editor.ts';
import { spellName } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import type { Overlay } from '../state/view.ts';
import { SearchBox } from './SearchBox.tsx';

/** The nodes that can be added; of a wire in the hand those that it fits. */
export function AddNode({ overlay, close }: { overlay: Extract<Overlay, { kind: 'addNode' }>; close(): void }) {
  const editor = useEditor();
  const cards = useGraph((state) => state.cards);
  const document = useGraph((state) => state.document);
  const { at, screen, from } = overlay;
  const { cards: fitting, type } = findFittingCards(document, cards, from);
  return (
    <SearchBox
      label={type ? messages.search.fits(spellName(type)) : messages.search.add}
      choices={fitting.map(describeCardChoice)}
      at={screen}
      onChoose={(key) => {
        const card = cards.get(key);
        close();
        if (card) void attempt(editor, () => addNodeAt(editor, card, at, from));
      }}
    />
  );
}
