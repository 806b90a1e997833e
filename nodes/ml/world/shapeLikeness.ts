import { SCENE_SIZE } from './scene.ts';
import { objectCoverage } from './sceneLabels.ts';
import { type Shape, shapes } from './words.ts';

/** Side of the grid on which shapes are compared, and half its extent in radii of the disc of the same area. */
const [gridSize, reach] = [32, 1.75];

/** The turn after which a shape looks the same, in degrees; 0 where every turn does. */
const symmetry: Record<Shape, number> = { circle: 0, square: 90, triangle: 120, star: 72, ring: 0, cross: 90 };

let drawn: ReadonlyMap<Shape, readonly Float32Array[]> | undefined;

/** Every shape as the world's own renderer draws it, every five degrees or so of its turn, on the grid. */
function templates(): ReadonlyMap<Shape, readonly Float32Array[]> {
  drawn ??= new Map(
    shapes.map((shape) => {
      const turns = Math.max(1, Math.round(symmetry[shape] / 5));
      const place = { shape, colour: 'white', x: 32, y: 32, radius: 12, tint: [0, 0, 0] } as const;
      const angles = Array.from({ length: turns }, (_, i) => (((symmetry[shape] * i) / turns) * Math.PI) / 180);
      return [shape, angles.map((angle) => onGrid(objectCoverage({ ...place, angle })))];
    }),
  );
  return drawn;
}

/**
 * How much an object looks like each shape, in [0, 1]: the best soft intersection over union, sum min(a, t) / sum max(a, t),
 * of its coverage with the shape drawn at any angle, both brought to the same centre of mass and area.
 * @param coverage 64 x 64 values in [0, 1], not all 0
 */
export function shapeLikeness(coverage: Float32Array): Record<Shape, number> {
  const grid = onGrid(coverage);
  const likeness = {} as Record<Shape, number>;
  for (const [shape, turned] of templates())
    likeness[shape] = Math.max(...turned.map((template) => overlap(grid, template)));
  return likeness;
}

function overlap(a: Float32Array, b: Float32Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    both += Math.min(x, y);
    either += Math.max(x, y);
  }
  return both / either;
}

/** Coverage brought to the grid: its centre of mass in the middle, its area that of a disc of radius 1. */
function onGrid(coverage: Float32Array): Float32Array {
  let [area, sumX, sumY] = [0, 0, 0];
  for (let pixel = 0; pixel < coverage.length; pixel++) {
    const share = coverage[pixel]!;
    area += share;
    sumX += share * (pixel % SCENE_SIZE);
    sumY += share * Math.floor(pixel / SCENE_SIZE);
  }
  const [x, y, step] = [sumX / area, sumY / area, (2 * reach * Math.sqrt(area / Math.PI)) / gridSize];
  const grid = new Float32Array(gridSize * gridSize);
  for (let row = 0; row < gridSize; row++)
    for (let column = 0; column < gridSize; column++) {
      const [dx, dy] = [column - (gridSize - 1) / 2, row - (gridSize - 1) / 2];
      grid[row * gridSize + column] = between(coverage, x + dx * step, y + dy * step);
    }
  return grid;
}

/** Bilinear; 0 outside of the image. */
function between(map: Float32Array, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [x - left, y - top];
  const at = (column: number, row: number) =>
    column < 0 || row < 0 || column >= SCENE_SIZE || row >= SCENE_SIZE ? 0 : map[row * SCENE_SIZE + column]!;
  const upper = at(left, top) * (1 - u) + at(left + 1, top) * u;
  const lower = at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u;
  return upper * (1 - v) + lower * v;
}
