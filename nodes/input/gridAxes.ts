import { defineNode, list } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { text } from '../params.ts';
import { quote } from '../quote.ts';

/** Cells of all sheets together. */
const MOST_CELLS = 10_000;

const axis = (what: string) =>
  text({ initial: '', multiline: true, help: `One value for each ${what}, one a line; empty for a single ${what}.` });

export const gridAxes = defineNode({
  type: 'input/grid-axes',
  version: 1,
  title: 'Grid axes',
  summary:
    'Tries every combination of up to three lists of values: wire an axis to any param (steps, sampler, model, LoRA strength ...), and all axes to a Contact sheet.',
  inputs: {},
  params: { columns: axis('column'), rows: axis('row'), sheets: axis('sheet') },
  outputs: {
    columns: list('text', {
      help: 'The column of each cell: cells go along the columns, then the rows, then the sheets.',
    }),
    rows: list('text', { help: 'The row of each cell.' }),
    sheets: list('text', { help: 'The sheet of each cell.' }),
  },
  run(_inputs, params) {
    const columns = readValues('columns', params.columns);
    const rows = readValues('rows', params.rows);
    const sheets = readValues('sheets', params.sheets);
    const count = columns.length * rows.length * sheets.length;
    if (count > MOST_CELLS) {
      const sizes = `${columns.length} x ${rows.length} x ${sheets.length} cells`;
      throw new UserError('TOO_LARGE', `The grid has ${sizes}; at most ${MOST_CELLS} are allowed. Leave values out.`);
    }
    const cells = sheets.flatMap((sheet) => rows.flatMap((row) => columns.map((column) => ({ column, row, sheet }))));
    return {
      columns: cells.map(({ column }) => column),
      rows: cells.map(({ row }) => row),
      sheets: cells.map(({ sheet }) => sheet),
    };
  },
});

/** The lines of a param, or one empty value. Throws UserError `DUPLICATE`. */
function readValues(param: string, lines: string): readonly string[] {
  const values = lines.split(/\r?\n/).flatMap((line) => line.trim() || []);
  const repeated = values.find((value, i) => values.indexOf(value) < i);
  if (repeated === undefined) return values.length > 0 ? values : [''];
  const message = `The ${param} of the grid have ${quote(repeated)} twice. Give each value once.`;
  throw new UserError('DUPLICATE', message, { at: { param } });
}
