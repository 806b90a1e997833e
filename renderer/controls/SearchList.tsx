import { useId, useState } from 'react';
import { type Choice, ChoiceList, moveByKey, searchChoices } from './ChoiceList.tsx';

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
  const found = query.trim() === '' ? choices : searchChoices(choices, query);
  const current = found[Math.min(active, found.length - 1)];
  const onKey = (event: React.KeyboardEvent) => {
    const next = moveByKey(event.key, active, found.length);
    if (next !== undefined) {
      event.preventDefault();
      setActive(next);
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
      <ChoiceList
        id={id}
        label={label}
        choices={found}
        current={current}
        isGrouped={query.trim() === ''}
        onPoint={setActive}
        onChoose={onChoose}
        draggedAs={draggedAs}
      />
    </div>
  );
}
