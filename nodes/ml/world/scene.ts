import type { RandomStream } from '../random.ts';
import {
  type Background,
  backgroundNames,
  type Colour,
  type Count,
  colourNames,
  numbers,
  plural,
  type Relation,
  relations,
  type Shape,
  shapes,
  type Task,
  tasks,
} from './words.ts';

/** Side of an image in pixels. */
export const SCENE_SIZE = 64;

export interface SceneObject {
  readonly shape: Shape;
  readonly colour: Colour;
  /** Centre in pixels, y down. */
  readonly x: number;
  readonly y: number;
  /** Half the extent in pixels. */
  readonly radius: number;
  /** Clockwise, radians. */
  readonly angle: number;
  /** Added to each channel of the colour's value, 0..255 units. */
  readonly tint: readonly [number, number, number];
}

export interface Scene {
  readonly task: Task;
  readonly caption: string;
  readonly background: Background;
  readonly backgroundTint: readonly [number, number, number];
  /** In the order of the caption. Objects never overlap; how near one is shows in its size, see `depthMap`. */
  readonly objects: readonly SceneObject[];
}

/** What a caption asks for, before places are chosen. */
interface Plan {
  readonly objects: readonly { readonly shape: Shape; readonly colour: Colour }[];
  readonly phrase: string;
  /** The first object lies in this relation to the second. */
  readonly relation?: Relation;
}

/**
 * Draws a scene of one of GenEval's six tasks with the caption that is true of it. What the caption leaves open (colours,
 * places, sizes, background) is random. Source: GenEval, arXiv 2310.11513, prompts/create_prompts.py (templates).
 */
export function sampleScene(random: RandomStream, task: Task = pick(random, tasks)): Scene {
  const plan = planners[task](random);
  const background = pick(
    random,
    backgroundNames.filter((name) => contrasts(name, plan)),
  );
  const tail = random.uniform() < 0.15 ? ` on a ${background} background` : '';
  const head = random.uniform() < 0.75 ? 'a photo of ' : '';
  return {
    task,
    caption: head + plan.phrase + tail,
    background,
    backgroundTint: jitter(random, 6),
    objects: place(random, plan),
  };
}

const pick = <T>(random: RandomStream, list: readonly T[]): T => list[random.integer(list.length)]!;
const pickOther = <T>(random: RandomStream, list: readonly T[], not: T): T =>
  pick(
    random,
    list.filter((item) => item !== not),
  );
const jitter = (random: RandomStream, size: number): [number, number, number] => [
  (random.uniform() * 2 - 1) * size,
  (random.uniform() * 2 - 1) * size,
  (random.uniform() * 2 - 1) * size,
];
const article = (word: string): string => (/^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`);

/** White is hard to tell from the light background and black from the dark one. */
const contrasts = (background: Background, plan: Plan): boolean =>
  !plan.objects.some(
    ({ colour }) => (colour === 'white' && background === 'light') || (colour === 'black' && background === 'dark'),
  );

const planners: Record<Task, (random: RandomStream) => Plan> = {
  single(random) {
    const shape = pick(random, shapes);
    return { objects: [{ shape, colour: pick(random, colourNames) }], phrase: article(shape) };
  },
  two(random) {
    const [first, second] = twoShapes(random);
    return { objects: [first, second], phrase: `${article(first.shape)} and ${article(second.shape)}` };
  },
  counting(random) {
    const count = pick(random, Object.keys(numbers)) as unknown as Count;
    const shape = pick(random, shapes);
    const colour = pick(random, colourNames);
    const objects = Array.from({ length: Number(count) }, () => ({ shape, colour }));
    return { objects, phrase: `${numbers[count]} ${plural(shape)}` };
  },
  colours(random) {
    const [shape, colour] = [pick(random, shapes), pick(random, colourNames)];
    return { objects: [{ shape, colour }], phrase: `${article(colour)} ${shape}` };
  },
  position(random) {
    const [first, second] = twoShapes(random);
    const relation = pick(random, relations);
    const phrase = `${article(first.shape)} ${relation} ${article(second.shape)}`;
    return { objects: [first, second], phrase, relation };
  },
  attribution(random) {
    const [first, second] = twoShapes(random);
    const phrase = `${article(first.colour)} ${first.shape} and ${article(second.colour)} ${second.shape}`;
    return { objects: [first, second], phrase };
  },
};

function twoShapes(random: RandomStream): [Plan['objects'][number], Plan['objects'][number]] {
  const first = { shape: pick(random, shapes), colour: pick(random, colourNames) };
  const second = {
    shape: pickOther(random, shapes, first.shape),
    colour: pickOther(random, colourNames, first.colour),
  };
  return [first, second];
}

/** Radius range in pixels by number of objects. */
const radii: Record<number, readonly [number, number]> = { 1: [14, 20], 2: [10, 14], 3: [9, 11.5], 4: [8.5, 10.5] };

/**
 * Chooses sizes and places: everything inside the image with a margin of 2 px, objects at least 2 px apart, and the
 * relation true by a clear margin (offset along its axis at least 1.5 times the other and at least both radii).
 */
function place(random: RandomStream, plan: Plan): SceneObject[] {
  const [low, high] = radii[plan.objects.length]!;
  for (;;) {
    const placed = plan.objects.map(({ shape, colour }) => {
      const radius = low + (high - low) * random.uniform();
      const reach = SCENE_SIZE - 2 * (radius + 2);
      const [x, y] = [radius + 2 + reach * random.uniform(), radius + 2 + reach * random.uniform()];
      return { shape, colour, x, y, radius, angle: (random.uniform() * 2 - 1) * 0.15, tint: jitter(random, 10) };
    });
    if (apart(placed) && (!plan.relation || related(placed[0]!, placed[1]!, plan.relation))) return placed;
  }
}

const apart = (objects: readonly SceneObject[]): boolean =>
  objects.every((a, i) =>
    objects.slice(0, i).every((b) => Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) >= a.radius + b.radius + 2),
  );

function related(a: SceneObject, b: SceneObject, relation: Relation): boolean {
  const [dx, dy] = [a.x - b.x, a.y - b.y];
  const along = { 'left of': -dx, 'right of': dx, above: -dy, below: dy }[relation];
  const across = Math.abs(relation === 'above' || relation === 'below' ? dx : dy);
  return along >= a.radius + b.radius && along >= 1.5 * across;
}
