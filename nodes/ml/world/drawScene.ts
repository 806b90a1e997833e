import { SCENE_SIZE, type Scene, type SceneObject } from './scene.ts';
import { backgrounds, colours, type Shape } from './words.ts';

/**
 * Paints a scene with antialiased edges: coverage of a pixel = clamp(1/2 - d), d the signed distance in pixels from its
 * centre to the shape's edge. Returns [64, 64, 3] values in [0, 1], row by row, written into `into` from `offset`.
 */
export function drawScene(
  scene: Scene,
  into = new Float32Array(SCENE_SIZE * SCENE_SIZE * 3),
  offset = 0,
): Float32Array {
  const [r, g, b] = backgrounds[scene.background].map((value, channel) => unit(value + scene.backgroundTint[channel]!));
  for (let i = offset; i < offset + SCENE_SIZE * SCENE_SIZE * 3; i += 3) {
    into[i] = r!;
    into[i + 1] = g!;
    into[i + 2] = b!;
  }
  for (const object of scene.objects) paint(object, into, offset);
  return into;
}

const unit = (value: number): number => Math.min(1, Math.max(0, value / 255));

function paint(object: SceneObject, into: Float32Array, offset: number): void {
  const colour = colours[object.colour].map((value, channel) => unit(value + object.tint[channel]!));
  const distance = distanceTo[object.shape](object.radius);
  const reach = object.radius * 1.1 + 1;
  const [cos, sin] = [Math.cos(object.angle), Math.sin(object.angle)];
  const first = (centre: number) => Math.max(0, Math.floor(centre - reach));
  const last = (centre: number) => Math.min(SCENE_SIZE - 1, Math.ceil(centre + reach));
  for (let row = first(object.y); row <= last(object.y); row++)
    for (let column = first(object.x); column <= last(object.x); column++) {
      const [dx, dy] = [column + 0.5 - object.x, row + 0.5 - object.y];
      const coverage = Math.min(1, 0.5 - distance(dx * cos + dy * sin, dy * cos - dx * sin));
      if (coverage <= 0) continue;
      const start = offset + (row * SCENE_SIZE + column) * 3;
      for (let channel = 0; channel < 3; channel++)
        into[start + channel]! += (colour[channel]! - into[start + channel]!) * coverage;
    }
}

type Distance = (x: number, y: number) => number;

/** Signed distance (negative inside) of (x, y), the centre at the origin, y down, to a shape of half-extent r. */
const distanceTo: Record<Shape, (r: number) => Distance> = {
  circle: (r) => (x, y) => length(x, y) - r,
  square: (r) => (x, y) => box(x, y, 0.86 * r, 0.86 * r),
  triangle: (r) => polygon(spokes([1.08 * r, 1.08 * r, 1.08 * r])),
  star: (r) => polygon(spokes(Array.from({ length: 10 }, (_, i) => (i % 2 ? 0.45 * r : 1.05 * r)))),
  ring: (r) => (x, y) => Math.abs(length(x, y) - 0.76 * r) - 0.24 * r,
  cross: (r) => (x, y) => Math.min(box(x, y, r, 0.31 * r), box(x, y, 0.31 * r, r)),
};

/** Math.hypot guards against overflow, which costs ten times as much. */
const length = (x: number, y: number): number => Math.sqrt(x * x + y * y);

function box(x: number, y: number, halfWidth: number, halfHeight: number): number {
  const [dx, dy] = [Math.abs(x) - halfWidth, Math.abs(y) - halfHeight];
  return length(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0);
}

type Point = readonly [x: number, y: number];

/** Corners at even turns, the first straight up, each at its own distance from the centre. */
const spokes = (lengths: readonly number[]): Point[] =>
  lengths.map((r, i) => {
    const turn = (2 * Math.PI * i) / lengths.length;
    return [r * Math.sin(turn), -r * Math.cos(turn)];
  });

/** Distance to the nearest edge, signed by the even-odd rule. */
function polygon(corners: readonly Point[]): Distance {
  const edges = corners.map(([ax, ay], i) => {
    const [bx, by] = corners[(i + 1) % corners.length]!;
    return { ax, ay, by, ex: bx - ax, ey: by - ay };
  });
  return (x, y) => {
    let [nearest, inside] = [Infinity, false];
    for (const { ax, ay, by, ex, ey } of edges) {
      const along = Math.min(1, Math.max(0, ((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey)));
      nearest = Math.min(nearest, (x - ax - along * ex) ** 2 + (y - ay - along * ey) ** 2);
      if (ay > y !== by > y && x < (ex * (y - ay)) / ey + ax) inside = !inside;
    }
    return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
  };
}
