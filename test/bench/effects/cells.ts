import { createHash } from 'node:crypto';
import type { Lines } from './openLines.ts';

/**
 * The key of what was measured: whatever decides the outcome, as JSON. Lines of equal keys are of the same cell, whichever
 * checkout they came from; lines of other settings may lie in the same file.
 */
export function cellOf(...decisive: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(decisive)).digest('hex').slice(0, 16);
}

/** Of a file's lines those of some cells, the first of each: two programs may have measured it at once. */
export function linesOf<Line extends { readonly cell: string }>(
  lines: Lines<Line>,
  cells: ReadonlySet<string>,
): Lines<Line> {
  const seen = new Set<string>();
  const all = lines.all.filter(({ cell }) => cells.has(cell) && !seen.has(cell) && seen.add(cell));
  return {
    all,
    async add(line) {
      await lines.add(line);
      all.push(line);
    },
  };
}

/** What a file tells of a cell; found and added where it tells nothing. */
export async function findOnce<Found>(
  lines: Lines<{ readonly cell: string; readonly found: Found }>,
  cell: string,
  find: () => Promise<Found>,
): Promise<Found> {
  const known = lines.all.find((line) => line.cell === cell);
  if (known) return known.found;
  const found = await find();
  await lines.add({ cell, found });
  return found;
}
