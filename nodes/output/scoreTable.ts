import { defineNode, many } from '../defineNode.ts';
import { GraphError } from '../errors.ts';
import { isPlainName } from '../files.ts';
import { text } from '../params.ts';
import type { Scores } from '../ports.ts';

export const scoreTable = defineNode({
  type: 'output/score-table',
  version: 1,
  title: 'Score table',
  summary: 'Writes scores as a table: a CSV file for spreadsheets and the same as JSON.',
  inputs: { scores: many('scores', { min: 1 }) },
  params: { name: text({ initial: 'scores', help: 'Name of both files, without ending.' }) },
  outputs: {},
  run({ scores }, { name }, { save }) {
    if (!isPlainName(name) || /[<>:"|?*]/.test(name) || name.startsWith('.')) {
      throw new GraphError('BAD_PARAM', `"${name}" is no good file name; use letters, digits, - and _.`, {
        at: { param: 'name' },
      });
    }
    const rows = scores.flatMap(rowsOf);
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
    const csv = lines.map((line) => `${line.map(csvField).join(',')}\r\n`).join('');
    const encode = (content: string) => new TextEncoder().encode(content);
    save({ name: `${name}.csv`, mime: 'text/csv', bytes: encode(csv) });
    save({ name: `${name}.json`, mime: 'application/json', bytes: encode(`${JSON.stringify(rows, null, 2)}\n`) });
  },
});

type Row = Record<string, string | number | undefined>;

/** What is known of each picture (only where something is), then its scores. A score that is not finite stays empty. */
function rowsOf({ names, values, labels }: Scores): Row[] {
  return values.map((row, i) => {
    const { name, prompt, seed } = labels[i] ?? {};
    const known = Object.entries({ name, prompt, seed }).filter(([, value]) => value !== undefined);
    const scores = names.map((score, column) => [score, Number.isFinite(row[column]) ? row[column] : undefined]);
    return Object.fromEntries([...known, ...scores]) as Row;
  });
}

/** A field as RFC 4180 has it; a text that a spreadsheet would take for a formula gets an apostrophe before it. */
function csvField(value: string | number | undefined): string {
  if (typeof value !== 'string') return value === undefined ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
