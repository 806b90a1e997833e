import { type StoredTensor, toCheckpointLayout, writeSafetensors } from '../weights/writeSafetensors.ts';
import { type ParameterLayout, sizeOf } from './flatParameters.ts';

/** The bytes of a safetensors file in float16 of those parameters whose names `stored` keeps, under the names that it gives them. */
export function writeModelWeights(
  layout: ParameterLayout,
  parameters: Float32Array,
  stored: (name: string) => string | undefined = (each) => each,
): Uint8Array<ArrayBuffer> {
  const tensors = new Map<string, StoredTensor>();
  let offset = 0;
  for (const { name, shape } of layout) {
    const values = parameters.slice(offset, offset + sizeOf(shape));
    offset += values.length;
    const kept = stored(name);
    if (kept !== undefined) tensors.set(kept, { dtype: 'F16', ...toCheckpointLayout(values, shape) });
  }
  return writeSafetensors(tensors);
}
