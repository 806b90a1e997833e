import { Dialog } from '@base-ui/react/dialog';
import type { Choice } from '../controls/ChoiceList.tsx';
import { focusCanvas } from '../controls/focusCanvas.ts';
import { SearchList } from '../controls/SearchList.tsx';
import type { Point } from '../state/view.ts';

interface SearchBoxProps {
  readonly label: string;
  /** What the box is called, where that is not the label of its field. */
  readonly name?: string;
  readonly choices: readonly Choice[];
  /** The point of the screen at which the search was asked for; without it the box lies in the middle. */
  readonly at?: Point;
  onChoose(key: string): void;
}

/** A dialog that is a search. */
export function SearchBox({ label, name = label, choices, at, onChoose }: SearchBoxProps) {
  return (
    <Dialog.Popup
      className={at ? 'search-box at-cursor' : 'search-box'}
      style={at && placeBeside(at)}
      aria-label={name}
      finalFocus={focusCanvas}
    >
      <SearchList label={label} choices={choices} onChoose={onChoose} />
    </Dialog.Popup>
  );
}

/** A place on the screen for a box of the width and height that style/search.css gives it. */
function placeBeside({ x, y }: Point): { left: number; top: number } {
  return { left: Math.max(8, Math.min(x, innerWidth - 336)), top: Math.max(8, Math.min(y, innerHeight - 408)) };
}
