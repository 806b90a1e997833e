import { titleColumn } from '../../nodes/ml/optimise/trace.ts';
import type { Trace } from '../../nodes/ports.ts';

/** What an optimiser gained by each reward, optimised or watched: the mean over its images at first, and of what it kept. */
export function gainsInWords({ columns, values, kept }: Trace): string[] {
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  return columns.flatMap((column, k) => {
    if (column.role !== 'reward' && column.role !== 'watched') return [];
    const first = mean(values.map((rows) => rows[0]![k]!));
    const last = mean(values.map((rows, i) => rows[kept[i]!]![k]!));
    return [`${titleColumn(column)}: ${first.toPrecision(4)} at first, ${last.toPrecision(4)} kept`];
  });
}
