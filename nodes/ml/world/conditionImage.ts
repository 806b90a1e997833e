import { labelColour } from '../condition/labelMaps.ts';
import type { SeenObject } from './detectObjects.ts';
import { SCENE_SIZE, type Scene, type SceneObject } from './scene.ts';
import { depthMap, edgeMap, objectMasks } from './sceneLabels.ts';
import { shapes } from './words.ts';

/** Conditions that the world's ControlNets take. */
export const conditionKinds = ['segmentation', 'edges', 'depth'] as const;
export type ConditionKind = (typeof conditionKinds)[number];

/** What a condition image shows: objects, and 64 x 64 values, i + 1 where object i is, else 0. */
interface Layout {
  readonly objects: readonly Pick<SceneObject, 'shape' | 'radius'>[];
  readonly masks: Uint8Array;
}

/** 64 x 64: the class of each pixel, 0 background, else 1 + the number of the shape. */
export function classMap(scene: Scene): Uint8Array {
  return labelClasses(layOutScene(scene));
}

/**
 * The exact condition image of a scene, 64 * 64 * 3 values in [0, 1]: classes in the colours of `labelColour`, edges in
 * white on black, inverse depth in grey with the nearest object white.
 */
export function conditionImage(kind: ConditionKind, scene: Scene): Float32Array {
  return paintImage(kind, layOutScene(scene));
}

/** The condition image of the objects that were found in an image, see `detectObjects`; black where there are none. */
export function seenConditionImage(kind: ConditionKind, found: readonly SeenObject[]): Float32Array {
  const masks = new Uint8Array(SCENE_SIZE * SCENE_SIZE);
  for (const [i, { coverage }] of found.entries())
    for (const [pixel, share] of coverage.entries()) if (share >= 0.5) masks[pixel] = i + 1;
  const objects = found.map(({ shape, box: [left, top, right, bottom] }) => ({
    shape,
    radius: Math.max(right - left, bottom - top) / 2,
  }));
  return paintImage(kind, { objects, masks });
}

const layOutScene = ({ objects }: Scene): Layout => ({ objects, masks: objectMasks(objects) });
const labelClasses = ({ objects, masks }: Layout) =>
  masks.map((object) => (object === 0 ? 0 : 1 + shapes.indexOf(objects[object - 1]!.shape)));

function paintImage(kind: ConditionKind, layout: Layout): Float32Array {
  const colourOf = images[kind](layout);
  return Float32Array.from({ length: SCENE_SIZE * SCENE_SIZE * 3 }, (_, i) => colourOf(Math.floor(i / 3))[i % 3]!);
}

type Colour = readonly [number, number, number];
const grey = (value: number): Colour => [value, value, value];

const images: Record<ConditionKind, (layout: Layout) => (pixel: number) => Colour> = {
  segmentation(layout) {
    const [classes, colours] = [labelClasses(layout), [0, ...shapes.keys()].map((_, label) => labelColour(label))];
    return (pixel) => colours[classes[pixel]!]!;
  },
  edges({ masks }) {
    const edges = edgeMap(masks);
    return (pixel) => grey(edges[pixel]!);
  },
  depth({ objects, masks }) {
    const depths = depthMap(masks, objects);
    const nearest = depths.reduce((most, value) => Math.max(most, value), 0) || 1;
    return (pixel) => grey(depths[pixel]! / nearest);
  },
};
