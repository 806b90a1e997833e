import type { RandomStream } from '../random.ts';
import type { Weights } from '../weights/weights.ts';
import { type ParameterLayout, sizeOf } from './flatParameters.ts';
import { initialise } from './initialise.ts';

/** Starting values of a layout: those of `weights` where it has the name, fresh ones (see `initialise`) elsewhere. */
export async function startFrom(
  layout: ParameterLayout,
  weights: Weights,
  random: RandomStream,
): Promise<Float32Array<ArrayBuffer>> {
  const values = initialise(layout, random);
  let offset = 0;
  for (const { name, shape } of layout) {
    if (weights.has(name)) values.set((await weights.get(name).data()) as Float32Array, offset);
    offset += sizeOf(shape);
  }
  return values;
}
