import type { KeyboardEvent } from 'react';
import { useEditor } from '../state/editor.ts';
import { endGroup } from '../state/graph.ts';

interface TitleFieldProps {
  readonly className: string;
  readonly label: string;
  readonly title: string;
  onChange(title: string): void;
  onKey?(event: KeyboardEvent): void;
}

/** Where a title is written over, while `ViewState.naming` says so: Enter and Escape leave it. */
export function TitleField({ className, label, title, onChange, onKey }: TitleFieldProps) {
  const { graph, view } = useEditor();
  return (
    <input
      className={className}
      aria-label={label}
      defaultValue={title}
      // biome-ignore lint/a11y/noAutofocus: the user just asked to write here
      autoFocus
      onFocus={({ target }) => target.select()}
      onChange={({ target }) => onChange(target.value)}
      onKeyDown={(event) => {
        onKey?.(event);
        if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
      }}
      onBlur={() => {
        endGroup(graph);
        view.setState({ naming: undefined });
      }}
    />
  );
}
