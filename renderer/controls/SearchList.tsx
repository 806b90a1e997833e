import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { messages } from '../state/messages.ts';
import { rankLabel } from './rankLabel.ts';

export interface Choice {
  readonly key: string;
  readonly label: string;
  /** What else is searched, and shown below the label. */
  readonly detail?: string;
  /** Choices are listed by group while the search is empty. */
  readonly group?: string;
  readonly end?: ReactNode;
  readonly disabled?: boolean;
}

interface SearchListProps {
  readonly label: string;
  readonly choices: readonly Choice[];
  onChoose(key: string): void;
  /** The MIME type under which the key of a choice can be dragged elsewhere. */
  readonly draggedAs?: string;
}

/** A field and the list of what fits what is written in it, used by keys or by the pointer. */
export function SearchList({ label, choices, onChoose, draggedAs }: SearchListProps) {
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const found = query.trim() === '' ? choices : search(choices, query);
  const current = found[Math.min(active, found.length - 1)];
  // biome-ignore lint/correctness/useExhaustiveDependencies: another active choice is brought into view
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [active, query]);
  const onKey = (event: React.KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      const next = Math.min(active, found.length - 1) + by;
      setActive(
        Math.abs(by) === 1 ? (next + found.length) % found.length : Math.max(0, Math.min(found.length - 1, next)),
      );
    } else if (event.key === 'Enter' && current && !current.disabled) {
      event.preventDefault();
      onChoose(current.key);
    }
  };
  return (
    <div className="search">
      <input
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded
        aria-controls={id}
        aria-activedescendant={current ? `${id}-${current.key}` : undefined}
        placeholder={label}
        autoComplete="off"
        spellCheck={false}
        // biome-ignore lint/a11y/noAutofocus: the search was just asked for
        autoFocus
        value={query}
        onChange={({ target }) => {
          setQuery(target.value);
          setActive(0);
        }}
        onKeyDown={onKey}
      />
      <div ref={list} id={id} role="listbox" aria-label={label} className="search-list">
        {found.map((choice, i) => (
          <div key={choice.key} role="presentation">
            {query.trim() === '' && choice.group && choice.group !== found[i - 1]?.group && (
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
              onPointerMove={() => setActive(i)}
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
        {found.length === 0 && <p className="empty">{messages.search.nothing}</p>}
      </div>
    </div>
  );
}

function search(choices: readonly Choice[], query: string): Choice[] {
  return choices
    .map((choice) => ({ choice, rank: rankLabel(query, choice.label, `${choice.group ?? ''} ${choice.detail ?? ''}`) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .map(({ choice }) => choice);
}
