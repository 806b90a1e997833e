import type { RunSummary } from '../../electron/host/ipc.ts';
import { messages } from '../state/messages.ts';

interface TableChoiceProps {
  readonly run: Pick<RunSummary, 'scores'>;
  readonly table: number;
  onChange(table: number): void;
}

/** Which of the scores that a run gave is shown, where there are several. */
export function TableChoice({ run, table, onChange }: TableChoiceProps) {
  if (run.scores.length < 2) return null;
  return (
    <select
      className="field"
      aria-label={messages.results.tabs.scores}
      value={table}
      onChange={({ target }) => onChange(Number(target.value))}
    >
      {run.scores.map(({ node, output, values }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a node may give several values at one output
        <option key={i} value={i}>
          {node}: {output} ({values.length})
        </option>
      ))}
    </select>
  );
}
