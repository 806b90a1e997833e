import type { DetectedObject } from './detectObjects.ts';
import { listRelations } from './judgeImage.ts';
import type { PromptClauses } from './parsePrompt.ts';
import { regions } from './regions.ts';
import { SCENE_SIZE } from './scene.ts';
import { findBox } from './sceneLabels.ts';
import { type Colour, colourNames, colours, type Shape, shapes } from './words.ts';

/** An object as a segmentation network sees it; `confidence` is the mean probability of its shape over its pixels. */
export interface SegmentedObject extends DetectedObject {
  /** The pixels that it covers, y * 64 + x. */
  readonly region: readonly number[];
  /** Of each colour, the share of the object's pixels that are nearest to it. */
  readonly colourShares: Readonly<Record<Colour, number>>;
}

/** Smaller regions are specks; the smallest object of the world, a star, covers 100 pixels. */
const SMALLEST_AREA = 40;
const classes = shapes.length + 1;

/**
 * The objects of an image of the built-in world by a learned detector: connected regions that a segmentation network takes
 * for any shape, each of the shape that it sees most in it. It shares nothing with the exact judge but GenEval's rules
 * and `regions`, so that what learns from it can be judged by that.
 *
 * @param probabilities 64 * 64 * 7 values, row by row: background, then the shapes
 * @param pixels 64 * 64 * 3 sRGB values in [0, 1], row by row
 * @returns the objects, the surest first
 */
export function segmentedObjects(probabilities: ArrayLike<number>, pixels: ArrayLike<number>): SegmentedObject[] {
  const names = Uint8Array.from({ length: SCENE_SIZE * SCENE_SIZE }, (_, pixel) => likeliest(probabilities, pixel));
  return regions(names.map((name) => +(name > 0)))
    .filter((region) => region.length >= SMALLEST_AREA)
    .map((region) => describe(region, names, probabilities, pixels))
    .sort((a, b) => b.confidence - a.confidence);
}

function likeliest(probabilities: ArrayLike<number>, pixel: number): number {
  let best = 0;
  for (let each = 1; each < classes; each++)
    if (probabilities[pixel * classes + each]! > probabilities[pixel * classes + best]!) best = each;
  return best;
}

function describe(
  region: readonly number[],
  names: Uint8Array,
  probabilities: ArrayLike<number>,
  pixels: ArrayLike<number>,
): SegmentedObject {
  const [named, coloured] = [new Uint16Array(classes), new Uint16Array(colourNames.length)];
  const own = new Uint8Array(names.length);
  for (const pixel of region) {
    own[pixel] = 1;
    named[names[pixel]!]!++;
    coloured[nearestColour(pixels, pixel)]!++;
  }
  const most = (counts: Uint16Array) => counts.indexOf(Math.max(...counts));
  const shape = most(named);
  const box = findBox(own, (value) => value === 1);
  return {
    shape: shapes[shape - 1]!,
    colour: colourNames[most(coloured)]!,
    box,
    centre: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2],
    area: region.length,
    region,
    confidence: region.reduce((sum, pixel) => sum + probabilities[pixel * classes + shape]!, 0) / region.length,
    colourShares: Object.fromEntries(
      colourNames.map((name, i) => [name, coloured[i]! / region.length]),
    ) as SegmentedObject['colourShares'],
  };
}

function nearestColour(pixels: ArrayLike<number>, pixel: number): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const [i, name] of colourNames.entries()) {
    const [r, g, b] = colours[name];
    const [x, y, z] = [pixels[pixel * 3]!, pixels[pixel * 3 + 1]!, pixels[pixel * 3 + 2]!];
    const distance = (x - r / 255) ** 2 + (y - g / 255) ** 2 + (z - b / 255) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

/**
 * How far objects satisfy what a prompt asks for, in [0, 1]: the mean of GenEval's conditions as `judgeObjects` grades them,
 * where an object counts by its confidence, and a colour by its share, so that a malformed shape counts less than a clear one.
 * @param objects the surest first
 */
export function softSatisfaction(
  objects: readonly SegmentedObject[],
  { include, exclude }: Pick<PromptClauses, 'include' | 'exclude'>,
): number {
  const grades: number[] = [];
  const taken: SegmentedObject[][] = [];
  const confidence = (of: readonly SegmentedObject[], factor: (object: SegmentedObject) => number = () => 1) =>
    of.reduce((sum, object) => sum + object.confidence * factor(object), 0);
  const of = (shape: Shape) => objects.filter((object) => object.shape === shape);
  for (const { shape, count, colour, position } of include) {
    const found = of(shape)
      .filter((object) => !taken.flat().includes(object))
      .slice(0, count);
    grades.push(confidence(found) / count);
    if (colour) grades.push(confidence(found, ({ colourShares }) => colourShares[colour]) / count);
    if (position) {
      const targets = taken[position.target] ?? [];
      const held = (object: SegmentedObject) =>
        confidence(targets.filter((target) => listRelations(object, target).includes(position.relation)));
      grades.push(confidence(found, held) / (count * (include[position.target]?.count ?? 1)));
    }
    taken.push(found);
  }
  for (const { shape, count } of exclude) grades.push(Math.min(1, (count - 1) / Math.max(1, confidence(of(shape)))));
  return grades.reduce((sum, grade) => sum + grade, 0) / grades.length;
}
