import type { TraceColumn } from '../../ports.ts';
import type { Judged } from './judgeLatents.ts';
import type { RewardSet } from './rowState.ts';

/** What a method that looks at estimates while it samples has spent, counted in images. */
export interface Spent {
  /** Calls of the model, one an image and step. */
  modelCalls: number;
  /** Latents that were decoded. */
  decodes: number;
  /** Images scored, once for each reward. */
  rewardCalls: number;
}

/** The titles under which a trace shows what was spent. */
export const spentColumns = ['model calls', 'decodes', 'reward calls'] as const;

export function listSpent({ modelCalls, decodes, rewardCalls }: Spent): number[] {
  return [modelCalls, decodes, rewardCalls];
}

/** The columns of a trace with a row a look: `summarise`, then figures of the method. */
export function lookColumns({ rewards }: Pick<RewardSet, 'rewards'>, figures: readonly string[]): TraceColumn[] {
  return [
    { name: 'total', role: 'total' },
    ...rewards.map(({ name }) => ({ name, role: 'reward' as const })),
    ...['best total', ...figures].map((name) => ({ name, role: 'measure' as const })),
  ];
}

/** Means of total and scores over the images that have a total, and the best total. */
export function summarise({ scores, totals }: Pick<Judged, 'scores' | 'totals'>): number[] {
  const known = totals.flatMap((total, i) => (Number.isFinite(total) ? [[total, ...scores[i]!]] : []));
  const means = known[0]!.map((_, k) => known.reduce((sum, row) => sum + row[k]!, 0) / known.length);
  return [...means, Math.max(...known.map(([total]) => total!))];
}
