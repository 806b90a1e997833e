import { UserError } from '../../errors.ts';
import { besides, type Pixels, regions } from './regions.ts';
import { SCENE_SIZE } from './scene.ts';
import { type Box, findBox } from './sceneLabels.ts';
import { shapeLikeness } from './shapeLikeness.ts';
import { type Colour, colourNames, colours, type Shape, shapes } from './words.ts';

export interface DetectedObject {
  readonly shape: Shape;
  readonly colour: Colour;
  readonly box: Box;
  /** Of the box, in pixels. */
  readonly centre: readonly [x: number, y: number];
  /** Pixels covered. */
  readonly area: number;
  /** In [0, 1]: how well the object matches its shape, see `shapeLikeness`. */
  readonly confidence: number;
}

/** An object with the share of each of the 64 x 64 pixels that it covers, in [0, 1]. */
export interface SeenObject extends DetectedObject {
  readonly coverage: Float32Array;
}

/** Smaller blobs are specks; the smallest object of the world, a star, covers 100 pixels. */
const SMALLEST_AREA = 40;
/** What matches no shape at least this well is no object. */
const LEAST_CONFIDENCE = 0.7;
/** A blob that matches a shape this well is one object; below it, it may be several that touch. */
const SURELY_ONE = 0.88;
/** How much better than one object every further one must make the match. */
const PART_PRICE = 0.04;

type Rgb = readonly [number, number, number];
const palette: readonly Rgb[] = colourNames
  .map((name) => colours[name])
  .map(([r, g, b]) => [r / 255, g / 255, b / 255]);
/** In a map of names: the background; a colour's number otherwise. */
const GROUND_NAME = 255;

/**
 * Finds the world's objects in an image: blobs of pixels that are nearer to one of the ten colours than to the
 * background, each (or its parts, where several objects touch) compared with every shape.
 * @param pixels 64 * 64 * 3 sRGB values in [0, 1], row by row
 * @returns the objects, the surest first. Throws UserError `BAD_SIZE`.
 */
export function detectObjects(pixels: ArrayLike<number>): SeenObject[] {
  if (pixels.length !== SCENE_SIZE * SCENE_SIZE * 3)
    throw new UserError(
      'BAD_SIZE',
      `The judge of the built-in world got an image of ${pixels.length} values; it reads images of 64x64 pixels in RGB, ${SCENE_SIZE * SCENE_SIZE * 3} values.`,
    );
  const ground = borderColour(pixels);
  const names = nearestNames(pixels, ground);
  const blobs = regions(names.map((name) => (name === GROUND_NAME ? 0 : 1)));
  return blobs
    .filter((blob) => blob.length >= SMALLEST_AREA)
    .flatMap((blob) => findObjects(blob, names, pixels, ground))
    .filter(({ area, confidence }) => area >= SMALLEST_AREA && confidence >= LEAST_CONFIDENCE)
    .sort((a, b) => b.confidence - a.confidence);
}

/** The median of every channel over the two outermost rows and columns. */
function borderColour(pixels: ArrayLike<number>): Rgb {
  const channels: [number[], number[], number[]] = [[], [], []];
  for (let pixel = 0; pixel < SCENE_SIZE * SCENE_SIZE; pixel++) {
    const [x, y] = [pixel % SCENE_SIZE, Math.floor(pixel / SCENE_SIZE)];
    if (Math.min(x, y, SCENE_SIZE - 1 - x, SCENE_SIZE - 1 - y) > 1) continue;
    for (const [channel, values] of channels.entries()) values.push(pixels[pixel * 3 + channel]!);
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  return [median(channels[0]), median(channels[1]), median(channels[2])];
}

const rgbAt = (pixels: ArrayLike<number>, pixel: number): Rgb => [
  pixels[pixel * 3]!,
  pixels[pixel * 3 + 1]!,
  pixels[pixel * 3 + 2]!,
];
const distance2 = ([r, g, b]: Rgb, [x, y, z]: Rgb): number => (r - x) * (r - x) + (g - y) * (g - y) + (b - z) * (b - z);

/** For every pixel the number of the nearest of the ten colours, or `groundName` where the background is nearer. */
function nearestNames(pixels: ArrayLike<number>, ground: Rgb): Uint8Array {
  const names = new Uint8Array(SCENE_SIZE * SCENE_SIZE);
  for (let pixel = 0; pixel < names.length; pixel++) {
    const rgb = rgbAt(pixels, pixel);
    let [nearest, least] = [GROUND_NAME, distance2(rgb, ground)];
    for (let name = 0; name < palette.length; name++) {
      const distance = distance2(rgb, palette[name]!);
      if (distance < least) [nearest, least] = [name, distance];
    }
    names[pixel] = nearest;
  }
  return names;
}

/**
 * A blob as the set of objects that explains it best: as it is, or cut where its colours change or where it is thin. Of
 * all cuts, the one of the greatest mean match by area counts, less a price for every part after the first.
 */
function findObjects(blob: Pixels, names: Uint8Array, pixels: ArrayLike<number>, ground: Rgb): SeenObject[] {
  let best = [describe(blob, names, pixels, ground)];
  if (best[0]!.confidence >= SURELY_ONE) return best;
  let most = best[0]!.confidence;
  for (const parts of cuts(blob, names)) {
    const objects = parts.map((part) => describe(part, names, pixels, ground));
    const area = objects.reduce((sum, object) => sum + object.area, 0);
    const match = objects.reduce((sum, object) => sum + object.area * object.confidence, 0) / area;
    const worth = match - PART_PRICE * (parts.length - 1);
    if (worth > most) [best, most] = [objects, worth];
  }
  return best;
}

/** Ways to cut a blob: by colour or as one, each worn down 0 to 4 times until it falls apart; parts then grow back. */
function cuts(blob: Pixels, names: Uint8Array): Pixels[][] {
  const found: Pixels[][] = [];
  const [asOne, byColour] = [new Uint8Array(names.length), new Uint8Array(names.length)];
  for (const pixel of blob) [asOne[pixel], byColour[pixel]] = [1, names[pixel]! + 1];
  for (const start of [asOne, byColour]) {
    let map: Uint8Array = start;
    for (let round = 0; round <= 4; round++) {
      if (round > 0) map = wornDown(map);
      const seeds = regions(map).filter((region) => region.length >= 9);
      if (seeds.length > 1 && seeds.length <= 8) found.push(grownBack(seeds, blob));
    }
  }
  return found;
}

/** Takes off every pixel that has another value beside it. */
const wornDown = (map: Uint8Array) =>
  map.map((value, pixel) => (besides(pixel).every((next) => map[next] === value) ? value : 0));

/** Every pixel of the blob goes to the seed from which it is reached first. */
function grownBack(seeds: readonly Pixels[], blob: Pixels): Pixels[] {
  const free = new Set(blob);
  for (const seed of seeds) for (const pixel of seed) free.delete(pixel);
  const parts = seeds.map((seed) => [...seed]);
  let fronts = seeds.map((seed) => [...seed]);
  while (fronts.some((front) => front.length > 0))
    fronts = fronts.map((front, i) => {
      const next = front.flatMap((pixel) => besides(pixel).filter((other) => free.delete(other)));
      parts[i]!.push(...next);
      return next;
    });
  return parts;
}

/** One object: the colour most of its inside has, and its shape by how far every pixel is from background to colour. */
function describe(part: Pixels, names: Uint8Array, pixels: ArrayLike<number>, ground: Rgb): SeenObject {
  const own = new Set(part);
  const inner = part.filter((pixel) => besides(pixel).every((next) => own.has(next)));
  const inside = inner.length >= 9 ? inner : part;
  const name = mostFrequent(inside.map((pixel) => names[pixel]!));
  const colour = meanColour(
    inside.filter((pixel) => names[pixel] === name),
    pixels,
  );
  const coverage = new Float32Array(SCENE_SIZE * SCENE_SIZE);
  const rim = part.flatMap((pixel) => besides(pixel).filter((next) => names[next] === GROUND_NAME));
  for (const pixel of [...part, ...rim]) coverage[pixel] = share(rgbAt(pixels, pixel), ground, colour);
  // What is clearly of another colour belongs to the shape too; single pixels of one are mixtures at the edge.
  const solid = (pixel: number) => besides(pixel).every((next) => names[next] === names[pixel]);
  for (const pixel of part) if (names[pixel] !== name && solid(pixel)) coverage[pixel] = 1;
  const likeness = shapeLikeness(coverage);
  const shape = shapes.reduce((best, other) => (likeness[other] > likeness[best] ? other : best));
  const box = findBox(coverage, (value) => value >= 0.5);
  return {
    shape,
    colour: colourNames[name]!,
    box,
    centre: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2],
    area: coverage.reduce((sum, value) => sum + value, 0),
    confidence: likeness[shape],
    coverage,
  };
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}

function meanColour(of: Pixels, pixels: ArrayLike<number>): Rgb {
  const sum: [number, number, number] = [0, 0, 0];
  for (const pixel of of) for (const channel of [0, 1, 2] as const) sum[channel] += pixels[pixel * 3 + channel]!;
  return [sum[0] / of.length, sum[1] / of.length, sum[2] / of.length];
}

/** How far a colour lies along the line from the background to an object's colour, in [0, 1]. */
function share([r, g, b]: Rgb, [x, y, z]: Rgb, [u, v, w]: Rgb): number {
  const along = (r - x) * (u - x) + (g - y) * (v - y) + (b - z) * (w - z);
  return Math.min(1, Math.max(0, along / distance2([u, v, w], [x, y, z])));
}
