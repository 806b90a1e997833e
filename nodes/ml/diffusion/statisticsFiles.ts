import { UserError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import { largest, readWhole } from '../../readWhole.ts';
import { type NumpyArray, readNpz, writeNpz } from '../weights/npz.ts';
import type { SolverStatistics } from './solverIntegrals.ts';

/** Bytes that the three arrays may unpack to. */
const MOST_BYTES = 2 ** 30;

/**
 * Solver statistics from l.npz (l) and sb.npz (s, b), [grid + 1, c, h, w] each, as they are published.
 * Source: thu-ml/DPM-Solver-v3, its folders of statistics. Throws UserError `BAD_FILE`, `TOO_LARGE` and what reading throws.
 */
export async function readStatistics(
  files: Files,
  paths: { readonly l: string; readonly sb: string },
): Promise<SolverStatistics> {
  const arrays = new Map<string, NumpyArray>();
  for (const stated of [paths.l, paths.sb]) {
    const path = await files.locate(stated);
    for (const [key, array] of readNpz(await readWhole(files, path, largest.statistics), path, MOST_BYTES))
      arrays.set(key, array);
  }
  const fail = (reason: string) =>
    new UserError('BAD_FILE', `"${paths.l}" and "${paths.sb}" are no solver statistics: ${reason}.`);
  const [l, s, b] = ['l', 's', 'b'].map((name) => {
    const array = arrays.get(name);
    if (array) return array;
    throw fail(`they hold no array "${name}"`);
  }) as [NumpyArray, NumpyArray, NumpyArray];
  const shapes = [l, s, b].map(({ shape }) => shape.join(' x '));
  const isGrid = l.shape.length === 4 && l.shape[0]! >= 2 && new Set(shapes).size === 1;
  if (!isGrid) throw fail(`l, s and b are ${shapes.join(', ')}, and three of (grid + 1) x c x h x w are read`);
  const broken = [l, s, b].some(({ values }) => !values.every(Number.isFinite));
  if (broken) throw fail('some of their numbers are not finite');
  const [points, c, h, w] = l.shape as [number, number, number, number];
  const turned = ({ values }: NumpyArray) => turn(values, points, c, h * w);
  return { grid: points - 1, shape: [h, w, c], l: turned(l), s: turned(s), b: turned(b) };
}

/** The two files of statistics of latents [h, w, c]. */
export function writeStatistics({
  grid,
  shape,
  l,
  s,
  b,
}: SolverStatistics): Readonly<Record<'l.npz' | 'sb.npz', Uint8Array>> {
  const [h = 1, w = 1, c = 1] = shape;
  const stored = (values: Float32Array) => ({ shape: [grid + 1, c, h, w], values: turn(values, grid + 1, h * w, c) });
  return { 'l.npz': writeNpz({ l: stored(l) }), 'sb.npz': writeNpz({ s: stored(s), b: stored(b) }) };
}

/** [points, a, b] -> [points, b, a] */
function turn(values: ArrayLike<number>, points: number, a: number, b: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let point = 0; point < points; point++)
    for (let i = 0; i < a; i++)
      for (let j = 0; j < b; j++) turned[(point * b + j) * a + i] = values[(point * a + i) * b + j]!;
  return turned;
}
