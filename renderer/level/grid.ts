/** The grid of the canvas in pixels. */
export const GRID = 8;

/** The multiple of the grid that is nearest to a length in pixels. */
export function snap(length: number): number {
  return Math.round(length / GRID) * GRID;
}
