import { linear } from '../nn/linear.ts';
import {
  add,
  dispose,
  logSoftmax,
  mul,
  neg,
  reshape,
  type Scalar,
  slice,
  sum,
  type Tensor3D,
  tensor2d,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { SCENE_SIZE, type Scene } from '../world/scene.ts';
import { objectMasks } from '../world/sceneLabels.ts';
import { type Colour, colourNames, type Shape, shapes } from '../world/words.ts';
import type { ParameterLayout } from './flatParameters.ts';

/** Classes of a patch: no shape and the six shapes; no colour and the ten colours. */
const [shapeClasses, colourClasses] = [shapes.length + 1, colourNames.length + 1];

/** The layer that names patches; it serves training only and is not part of the trained model. */
export const patchNamingLayout = (width: number): ParameterLayout => [
  { name: 'patch_naming.weight', shape: [shapeClasses + colourClasses, width] },
  { name: 'patch_naming.bias', shape: [shapeClasses + colourClasses] },
];

/** What covers each pixel of an image of 64x64. */
export interface NamedImage {
  /** i + 1 where object i covers the pixel, else 0. */
  readonly masks: Uint8Array;
  readonly objects: readonly { readonly shape: Shape; readonly colour: Colour }[];
}

export const namedScene = ({ objects }: Scene): NamedImage => ({ objects, masks: objectMasks(objects) });

/**
 * A second task that lets a vision transformer learn to see in hundreds of steps rather than ten thousands: every patch
 * token names the shape and the colour of the object that covers most of its patch. Cross-entropy, the mean over patches.
 * Source of dense supervision of patch tokens: arXiv 2104.10858 (token labelling).
 */
export function patchNaming(images: readonly NamedImage[], patch: number) {
  const across = SCENE_SIZE / patch;
  const tokens = across * across;
  const names = images.map((image) => patchNames(image, patch));
  const shapeTargets = oneHot(
    names.flatMap((of) => of.map(([shape]) => shape)),
    shapeClasses,
  );
  const colourTargets = oneHot(
    names.flatMap((of) => of.map(([, colour]) => colour)),
    colourClasses,
  );
  return {
    /** Of the last states of a vision encoder, whose rows from `firstRow` on are of these images: [N or more, T, C]. */
    loss(states: Tensor3D, weights: Weights, firstRow = 0): Scalar {
      const width = states.shape[2];
      const rows = reshape(slice(states, [firstRow, 1, 0], [images.length, tokens, width]), [-1, width]);
      const logits = linear(rows, weights.at('patch_naming'));
      const count = images.length * tokens;
      const shape = logSoftmax(slice(logits, [0, 0], [count, shapeClasses]));
      const colour = logSoftmax(slice(logits, [0, shapeClasses], [count, colourClasses]));
      const likelihood = add(sum(mul(shape, shapeTargets)), sum(mul(colour, colourTargets)));
      return mul(neg(likelihood), 1 / count) as Scalar;
    },
    dispose: () => dispose([shapeTargets, colourTargets]),
  };
}

/** [shape class, colour class] of each patch, row by row: of the object that covers most of it, if more than a quarter. */
function patchNames({ objects, masks }: NamedImage, patch: number): [number, number][] {
  const across = SCENE_SIZE / patch;
  const covered = Array.from({ length: across * across }, () => new Uint16Array(objects.length + 1));
  for (const [pixel, object] of masks.entries()) {
    const [x, y] = [pixel % SCENE_SIZE, Math.floor(pixel / SCENE_SIZE)];
    covered[Math.floor(y / patch) * across + Math.floor(x / patch)]![object]!++;
  }
  return covered.map((counts) => {
    const most = objects.reduce((best, _, i) => (counts[i + 1]! > counts[best]! ? i + 1 : best), 1);
    if (objects.length === 0 || counts[most]! <= (patch * patch) / 4) return [0, 0];
    const { shape, colour } = objects[most - 1]!;
    return [shapes.indexOf(shape) + 1, colourNames.indexOf(colour) + 1];
  });
}

function oneHot(classes: readonly number[], count: number) {
  const values = new Float32Array(classes.length * count);
  for (const [row, each] of classes.entries()) values[row * count + each] = 1;
  return tensor2d(values, [classes.length, count]);
}
