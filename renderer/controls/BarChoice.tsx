import type { ReactNode } from 'react';

interface BarChoiceProps {
  readonly label: ReactNode;
  readonly value: string | number;
  /** The options. */
  readonly children: ReactNode;
  onChange(value: string): void;
}

/** A choice with its label, in the bar above images or a plot. */
export function BarChoice({ label, value, children, onChange }: BarChoiceProps) {
  return (
    <label className="viewer-choice">
      {label}
      <select className="field" value={value} onChange={({ target }) => onChange(target.value)}>
        {children}
      </select>
    </label>
  );
}
