import type { ImageLabel, Trace, TraceColumn } from '../../ports.ts';
import type { Climbed, Judges } from './climber.ts';

/** The trace of a climb, an image a row of it. `measure` is what its last column holds. */
export function traceOf(
  rows: readonly Climbed[],
  { rewards, watched }: Judges,
  labels: readonly ImageLabel[],
  measure: string,
): Trace {
  const columns: TraceColumn[] = [
    { name: 'total', role: 'total' },
    ...rewards.map(({ name }) => ({ name, role: 'reward' as const })),
    ...watched.map(({ name }) => ({ name, role: 'watched' as const })),
    { name: measure, role: 'measure' },
  ];
  const values = rows.map(({ trace }) => trace);
  const constant = rewards.flatMap(({ name }, i) => {
    const scores = values.flatMap((trace) => trace.map((row) => row[i + 1]!));
    const same = scores.length > 1 && scores.every((score) => score === scores[0]);
    return same ? [`The reward "${name}" was ${scores[0]} throughout: it led nowhere.`] : [];
  });
  const remarks = [...rows.flatMap((row) => row.remarks), ...constant];
  return { columns, values, labels, kept: rows.map(({ best }) => best.evaluation), remarks };
}

/** How a column is called where all columns stand side by side. */
export function columnTitle({ name, role }: TraceColumn): string {
  return role === 'watched' ? `${name} (watched)` : name;
}

/** The last points of the curves, each the mean of all images; for the total also the best so far. */
export function figuresOf(rows: readonly Climbed[], judges: Judges): Record<string, number> {
  const { columns, values } = traceOf(rows, judges, [], 'length');
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const means = columns.map((column, i) => [columnTitle(column), mean(values.map((trace) => trace.at(-1)![i]!))]);
  return Object.fromEntries([...means, ['best total', mean(rows.map(({ best }) => best.total))]]);
}
