import { drawScene } from './drawScene.ts';
import { SCENE_SIZE, type Scene, type SceneObject } from './scene.ts';
import type { Colour, Shape } from './words.ts';

/** Left, top, right, bottom in pixels from the top left corner, the right and bottom edges not included. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

export interface ObjectLabel {
  readonly shape: Shape;
  readonly colour: Colour;
  /** The smallest box around the object's mask. */
  readonly box: Box;
  readonly centre: readonly [x: number, y: number];
  readonly radius: number;
  /** In (0, 1], 1 nearest, see `depthMap`. */
  readonly nearness: number;
}

/** What is known exactly of an image; the objects in the order of the scene. */
interface SceneLabels {
  readonly objects: readonly ObjectLabel[];
  /** 64 x 64 row by row: 0 background, i + 1 where the object i covers at least half of the pixel. */
  readonly masks: Uint8Array;
  readonly edges: Uint8Array;
  readonly depth: Float32Array;
}

/** The exact labels of a scene: objects, and masks, edges and depth as images of 64 x 64 values. */
export function sceneLabels(scene: Scene): SceneLabels {
  const masks = objectMasks(scene.objects);
  const objects = scene.objects.map(({ shape, colour, x, y, radius }, i) => ({
    shape,
    colour,
    box: findBox(masks, (value) => value === i + 1),
    centre: [x, y] as const,
    radius,
    nearness: nearness(radius),
  }));
  return { objects, masks, edges: edgeMap(masks), depth: depthMap(masks, scene.objects) };
}

/** The share of every pixel that an object covers, 64 x 64 values in [0, 1]: the object in white on black. */
export function objectCoverage(object: SceneObject): Float32Array {
  const black = { background: 'dark', backgroundTint: [-66, -70, -78] } as const;
  const white = { ...object, colour: 'white', tint: [5, 5, 5] } as const;
  const pixels = drawScene({ task: 'single', caption: '', ...black, objects: [white] });
  return Float32Array.from({ length: SCENE_SIZE * SCENE_SIZE }, (_, i) => pixels[i * 3]!);
}

/** 64 x 64: 0 background, i + 1 where object i covers at least half of the pixel; where two do, the later one. */
export function objectMasks(objects: readonly SceneObject[]): Uint8Array {
  const masks = new Uint8Array(SCENE_SIZE * SCENE_SIZE);
  for (const [i, object] of objects.entries())
    for (const [pixel, coverage] of objectCoverage(object).entries()) if (coverage >= 0.5) masks[pixel] = i + 1;
  return masks;
}

/** 64 x 64: 1 on the outermost pixels of every object, those with one of four neighbours outside of it; else 0. */
export function edgeMap(masks: Uint8Array): Uint8Array {
  return masks.map((value, pixel) => {
    if (value === 0) return 0;
    const [x, y] = [pixel % SCENE_SIZE, Math.floor(pixel / SCENE_SIZE)];
    const at = (dx: number, dy: number) =>
      x + dx < 0 || x + dx >= SCENE_SIZE || y + dy < 0 || y + dy >= SCENE_SIZE
        ? 0
        : masks[pixel + dy * SCENE_SIZE + dx];
    return at(-1, 0) === value && at(1, 0) === value && at(0, -1) === value && at(0, 1) === value ? 0 : 1;
  });
}

/**
 * 64 x 64 inverse depths in [0, 1]: 0 background. All objects count as equally large in space, as through a pinhole
 * camera, so an object's inverse depth is in proportion to its radius: 1 at the largest radius of the world. The image
 * therefore tells its depth, and no object hides another.
 */
export function depthMap(masks: Uint8Array, objects: readonly Pick<SceneObject, 'radius'>[]): Float32Array {
  return Float32Array.from(masks, (value) => (value === 0 ? 0 : nearness(objects[value - 1]!.radius)));
}

/** The largest radius that a scene of the world has. */
const LARGEST_RADIUS = 20;
const nearness = (radius: number): number => Math.min(1, radius / LARGEST_RADIUS);

/** The smallest box around the pixels that belong, of a 64 x 64 map; all zeros where none does. */
export function findBox<Value>(map: ArrayLike<Value>, belongs: (value: Value) => boolean): Box {
  let [left, top, right, bottom] = [SCENE_SIZE, SCENE_SIZE, 0, 0];
  for (let pixel = 0; pixel < map.length; pixel++) {
    if (!belongs(map[pixel]!)) continue;
    const [x, y] = [pixel % SCENE_SIZE, Math.floor(pixel / SCENE_SIZE)];
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  }
  return right === 0 ? [0, 0, 0, 0] : [left, top, right, bottom];
}
