import { defineNode, many } from '../defineNode.ts';
import { drawTrace } from '../ml/optimise/drawTrace.ts';
import { titleColumn } from '../ml/optimise/trace.ts';
import { fileName, text } from '../params.ts';
import type { Trace } from '../ports.ts';
import { csvText, type TableRow } from './shared/csvText.ts';

export const traceChart = defineNode({
  type: 'output/trace-chart',
  version: 1,
  title: 'Trace chart',
  summary: 'Writes how an optimiser got to its result: curves as an SVG image, and every number as CSV.',
  inputs: { traces: many('trace', { min: 1, help: 'One chart and one table each.' }) },
  params: {
    name: fileName({ initial: 'trace', help: 'Name of the files, without ending.' }),
    heading: text({ initial: 'Optimisation', help: 'What stands above the curves.' }),
  },
  outputs: {},
  run({ traces }, { name, heading }, { save }) {
    const encode = (content: string) => new TextEncoder().encode(content);
    for (const trace of traces) {
      save({ name: `${name}.svg`, mime: 'image/svg+xml', bytes: encode(drawTrace(trace, heading)) });
      save({ name: `${name}.csv`, mime: 'text/csv', bytes: encode(csvText(listRows(trace))) });
    }
  },
});

/** A row for each evaluation of each image. */
function listRows({ columns, values, labels, kept }: Trace): TableRow[] {
  return values.flatMap((rows, i) =>
    rows.map((row, k) => ({
      ...(labels[i]?.prompt === undefined ? {} : { prompt: labels[i].prompt }),
      ...(labels[i]?.seed === undefined ? {} : { seed: labels[i].seed }),
      evaluation: k + 1,
      ...Object.fromEntries(columns.map((column, c) => [titleColumn(column), row[c]])),
      kept: k === kept[i] ? 1 : 0,
    })),
  );
}
