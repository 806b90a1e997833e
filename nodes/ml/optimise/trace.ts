import type { ImageLabel, Trace, TraceColumn } from '../../ports.ts';
import type { RewardSet, RowResult } from './rowState.ts';

/** The trace of optimised images, a table each. `measure` names its last column. */
export function buildTrace(
  rows: readonly RowResult[],
  { rewards, watched }: RewardSet,
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
    return same ? [`The reward "${name}" was ${scores[0]} throughout: it had no effect.`] : [];
  });
  const remarks = [...rows.flatMap((row) => row.remarks), ...constant];
  const kept = rows.map(({ best }) => best.evaluation);
  return { columns, values, labels, kept, remarks, ...(rows.some(({ hacks }) => hacks) ? { hacks: true } : {}) };
}

/** The title of a column where all columns stand side by side. */
export function titleColumn({ name, role }: TraceColumn): string {
  return role === 'watched' ? `${name} (watched)` : name;
}

/** The last points of the curves, each the mean of all images; for the total also the best so far. */
export function readFigures(rows: readonly RowResult[], rewardSet: RewardSet): Record<string, number> {
  const { columns, values } = buildTrace(rows, rewardSet, [], 'length');
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const means = columns.map((column, i) => [titleColumn(column), mean(values.map((trace) => trace.at(-1)![i]!))]);
  return Object.fromEntries([...means, ['best total', mean(rows.map(({ best }) => best.total))]]);
}
