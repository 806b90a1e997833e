import { describe, expect, it } from 'vitest';
import { gridAxes } from '../../../nodes/input/gridAxes.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const run = (columns: string, rows = '', sheets = '') =>
  gridAxes.run({}, { columns, rows, sheets }, nodeContext().context);

describe('grid axes', () => {
  it('give each combination once: along the columns, then the rows, then the sheets', () => {
    expect(run('a\r\n b \n\n', '1\n2', 'x\ny')).toEqual({
      columns: ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'],
      rows: ['1', '1', '2', '2', '1', '1', '2', '2'],
      sheets: ['x', 'x', 'x', 'x', 'y', 'y', 'y', 'y'],
    });
  });

  it('count one place where an axis is empty', () => {
    expect(run('a\nb')).toEqual({ columns: ['a', 'b'], rows: ['', ''], sheets: ['', ''] });
  });

  it('refuse a value that comes twice, and more cells than a list holds', () => {
    expect(() => run('8\n4\n8')).toThrow('The columns of the grid have "8" twice. Give each value once.');
    const hundred = Array.from({ length: 101 }, (_, i) => i).join('\n');
    expect(() => run(hundred, hundred)).toThrow('The grid has 101 x 101 x 1 cells; at most 10000 are allowed.');
  });
});
