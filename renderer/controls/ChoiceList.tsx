import { type ReactNode, useEffect, useRef } from 'react';
import { messages } from '../state/messages.ts';
import { rankLabel } from './rankLabel.ts';

export interface Choice {
  readonly key: string;
  readonly label: string;
  /** What else is searched, and shown below the label. */
  readonly detail?: string;
  /** More texts that are searched: the one that a query is found in takes the place of the detail, from where it is. */
  readonly lines?: readonly string[];
  /** Choices are listed by group while the search is empty. */
  readonly group?: string;
  readonly end?: ReactNode;
  readonly disabled?: boolean;
}

interface ChoiceListProps {
  readonly id: string;
  readonly label: string;
  readonly choices: readonly Choice[];
  readonly current: Choice | undefined;
  /** Whether the names of groups stand above their choices. */
  readonly isGrouped: boolean;
  onPoint(place: number): void;
  onChoose(key: string): void;
  readonly draggedAs?: string | undefined;
}

/** The choices of a search; the field beside it reads the keys. */
export function ChoiceList(props: ChoiceListProps) {
  const { id, label, choices, current, isGrouped, onPoint, onChoose, draggedAs } = props;
  const list = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another active choice is brought into view
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [current?.key]);
  return (
    <div ref={list} id={id} role="listbox" aria-label={label} className="search-list">
      {choices.map((choice, i) => (
        <div key={choice.key} role="presentation">
          {isGrouped && choice.group && choice.group !== choices[i - 1]?.group && (
            <p className="search-group">{choice.group}</p>
          )}
          {/* biome-ignore lint/a11y/useKeyWithClickEvents: keys are read by the field */}
          <div
            id={`${id}-${choice.key}`}
            role="option"
            tabIndex={-1}
            aria-selected={choice === current}
            aria-disabled={choice.disabled}
            className="search-choice"
            onPointerMove={() => onPoint(i)}
            onClick={() => !choice.disabled && onChoose(choice.key)}
            draggable={draggedAs !== undefined}
            onDragStart={({ dataTransfer }) => draggedAs && dataTransfer.setData(draggedAs, choice.key)}
          >
            <span className="search-label">
              {choice.label}
              {choice.detail && <small>{choice.detail}</small>}
            </span>
            {choice.end}
          </div>
        </div>
      ))}
      {choices.length === 0 && <p className="empty">{messages.search.nothing}</p>}
    </div>
  );
}

/** The place in a list that a key moves to from another; undefined where the key is none of these. */
export function moveByKey(key: string, from: number, count: number): number | undefined {
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[key];
  if (by === undefined || count === 0) return undefined;
  const next = Math.min(from, count - 1) + by;
  return Math.abs(by) === 1 ? (next + count) % count : Math.max(0, Math.min(count - 1, next));
}

/** The choices that fit a query, the best first. */
export function searchChoices(choices: readonly Choice[], query: string): Choice[] {
  return choices
    .map((choice) => {
      const beside = [choice.group, choice.detail, ...(choice.lines ?? [])].join(' ');
      return { choice: inContext(choice, query), rank: rankLabel(query, choice.label, beside) };
    })
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .map(({ choice }) => choice);
}

/** Letters before what was found. */
const BEFORE = 24;

/** A choice with the line in which a query is found as its detail, cut so that what was found is seen. */
function inContext(choice: Choice, query: string): Choice {
  const words = query.toLowerCase().trim().split(/\s+/);
  const seen = `${choice.label} ${choice.detail ?? ''}`.toLowerCase();
  const word = words.find((each) => !seen.includes(each));
  const line = word && choice.lines?.find((each) => each.toLowerCase().includes(word));
  if (!word || !line) return choice;
  const at = line.toLowerCase().indexOf(word);
  return { ...choice, detail: at > BEFORE ? `… ${line.slice(at - BEFORE)}` : line };
}
