import { labelColour } from '../condition/labelMaps.ts';
import { type Scene, sceneSize } from './scene.ts';
import { depthMap, edgeMap, objectMasks } from './sceneLabels.ts';
import { shapes } from './words.ts';

/** Conditions that the world's ControlNets take. */
export const conditionKinds = ['segmentation', 'edges', 'depth'] as const;
export type ConditionKind = (typeof conditionKinds)[number];

/** 64 x 64: the class of each pixel, 0 background, else 1 + the number of the shape. */
export function classMap({ objects }: Scene): Uint8Array {
  return objectMasks(objects).map((object) => (object === 0 ? 0 : 1 + shapes.indexOf(objects[object - 1]!.shape)));
}

/**
 * The exact condition picture of a scene, 64 * 64 * 3 values in [0, 1]: classes in the colours of `labelColour`, edges in
 * white on black, inverse depth in grey with the nearest object white.
 */
export function conditionPicture(kind: ConditionKind, scene: Scene): Float32Array {
  const colourOf = pictures[kind](scene);
  return Float32Array.from({ length: sceneSize * sceneSize * 3 }, (_, i) => colourOf(Math.floor(i / 3))[i % 3]!);
}

type Colour = readonly [number, number, number];
const grey = (value: number): Colour => [value, value, value];

const pictures: Record<ConditionKind, (scene: Scene) => (pixel: number) => Colour> = {
  segmentation(scene) {
    const [classes, colours] = [classMap(scene), [0, ...shapes.keys()].map((_, label) => labelColour(label))];
    return (pixel) => colours[classes[pixel]!]!;
  },
  edges({ objects }) {
    const edges = edgeMap(objectMasks(objects));
    return (pixel) => grey(edges[pixel]!);
  },
  depth({ objects }) {
    const depths = depthMap(objectMasks(objects), objects);
    const nearest = depths.reduce((most, value) => Math.max(most, value), 0);
    return (pixel) => grey(depths[pixel]! / nearest);
  },
};
