import { defineNode, many } from '../defineNode.ts';
import { fileName } from '../params.ts';
import type { Scores } from '../ports.ts';
import { csvText, type TableRow } from './shared/csvText.ts';

export const scoreTable = defineNode({
  type: 'output/score-table',
  version: 1,
  title: 'Score table',
  summary: 'Writes scores as a table: a CSV file for spreadsheets and the same as JSON.',
  inputs: { scores: many('scores', { min: 1 }) },
  params: { name: fileName({ initial: 'scores', help: 'Name of both files, without ending.' }) },
  outputs: {},
  run({ scores }, { name }, { save }) {
    const rows = scores.flatMap(listRows);
    const encode = (content: string) => new TextEncoder().encode(content);
    save({ name: `${name}.csv`, mime: 'text/csv', bytes: encode(csvText(rows)) });
    save({ name: `${name}.json`, mime: 'application/json', bytes: encode(`${JSON.stringify(rows, null, 2)}\n`) });
  },
});

/** The label of each image (only columns that some image has), then its scores. A score that is not finite stays empty. */
function listRows({ names, values, labels }: Scores): TableRow[] {
  return values.map((row, i) => {
    const { name, prompt, seed } = labels[i] ?? {};
    const known = Object.entries({ name, prompt, seed }).filter(([, value]) => value !== undefined);
    const scores = names.map((score, column) => [score, Number.isFinite(row[column]) ? row[column] : undefined]);
    return Object.fromEntries([...known, ...scores]) as TableRow;
  });
}
