import { GRID } from './grid.ts';
import type { Box } from './makeRoom.ts';

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Pixels between a wire that goes around nodes and these. */
const CLEAR = GRID * 2;
/** Pixels across in which a wire leaves a socket and comes to the height at which it goes along. */
const BEND = GRID * 6;
/** Pixels between two places at which it is looked whether a wire lies over a node. */
const STEP = 24;
/** Detours that are looked at, the nearest first. */
const MOST_DETOURS = 40;

/**
 * The two places between which a wire goes along straight so that no node hides it, or undefined where the plain curve lies
 * free or there is no better way. `boxes` are the nodes, those at its ends as well.
 */
export function routeWire(from: Place, to: Place, boxes: readonly Box[]): readonly [Place, Place] | undefined {
  const left = Math.min(from.x, to.x - BEND);
  const right = Math.max(from.x + BEND, to.x);
  const near = boxes.filter((box) => box.right > left && box.left < right);
  const plain = countHidden(from, to, undefined, near);
  if (plain === 0) return undefined;
  const heights = near.flatMap(({ top, bottom }) => [top - CLEAR, bottom + CLEAR]);
  const middle = (from.y + to.y) / 2;
  const detours = [...new Set(heights)]
    .sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))
    .slice(0, MOST_DETOURS);
  let best: { readonly way: readonly [Place, Place]; readonly hidden: number } | undefined;
  for (const y of detours) {
    const way = [
      { x: from.x + BEND, y },
      { x: to.x - BEND, y },
    ] as const;
    const hidden = countHidden(from, to, way, near);
    if (hidden < (best?.hidden ?? plain)) best = { way, hidden };
    if (hidden === 0) break;
  }
  return best?.way;
}

/** How many of some places along a wire lie under a node; `way` is undefined for the plain curve. */
export function countHidden(
  from: Place,
  to: Place,
  way: readonly [Place, Place] | undefined,
  boxes: readonly Box[],
): number {
  const places = way ? sampleRoute(from, to, way) : samplePlain(from, to);
  const isUnder = ({ x, y }: Place) =>
    boxes.some((box) => x > box.left + 1 && x < box.right - 1 && y > box.top + 1 && y < box.bottom - 1);
  return places.filter(isUnder).length;
}

/** Places along the curve that React Flow draws between two sockets. */
function samplePlain(from: Place, to: Place): Place[] {
  const across = to.x - from.x;
  const reach = across >= 0 ? across / 2 : 6.25 * Math.sqrt(-across);
  return sampleCubic(from, { x: from.x + reach, y: from.y }, { x: to.x - reach, y: to.y }, to);
}

function sampleRoute(from: Place, to: Place, [a, b]: readonly [Place, Place]): Place[] {
  const straight = Math.max(1, Math.ceil(Math.abs(b.x - a.x) / STEP));
  const along = Array.from({ length: straight + 1 }, (_, i) => ({ x: a.x + ((b.x - a.x) * i) / straight, y: a.y }));
  return [...sampleBend(from, a), ...along, ...sampleBend(b, to)];
}

function sampleBend(from: Place, to: Place): Place[] {
  const middle = (from.x + to.x) / 2;
  return sampleCubic(from, { x: middle, y: from.y }, { x: middle, y: to.y }, to);
}

function sampleCubic(a: Place, b: Place, c: Place, d: Place): Place[] {
  const count = Math.max(8, Math.ceil((Math.abs(d.x - a.x) + Math.abs(d.y - a.y)) / STEP));
  return Array.from({ length: count + 1 }, (_, i) => {
    const t = i / count;
    return { x: cubic(t, a.x, b.x, c.x, d.x), y: cubic(t, a.y, b.y, c.y, d.y) };
  });
}

/** A Bézier curve of third degree at t in [0, 1], in one coordinate. */
function cubic(t: number, p: number, q: number, r: number, u: number): number {
  const s = 1 - t;
  return s * s * s * p + 3 * s * s * t * q + 3 * s * t * t * r + t * t * t * u;
}

/** The path of a wire that goes along between two places, as SVG writes it. */
export function drawRoute(from: Place, to: Place, [a, b]: readonly [Place, Place]): string {
  const [first, second] = [(from.x + a.x) / 2, (b.x + to.x) / 2];
  return `M${from.x},${from.y}C${first},${from.y} ${first},${a.y} ${a.x},${a.y}L${b.x},${b.y}C${second},${b.y} ${second},${to.y} ${to.x},${to.y}`;
}
