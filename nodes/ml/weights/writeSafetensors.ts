import { toFloat16 } from './float16.ts';

export interface StoredTensor {
  readonly dtype: 'F32' | 'F16';
  readonly shape: readonly number[];
  /** Row-major float32 values; F16 rounds them to nearest, ties to even. */
  readonly values: Float32Array;
}

/**
 * The bytes of a safetensors file: header length, JSON header padded to eight bytes, then the tensors, F32 first so that
 * every tensor is aligned. Source: huggingface/safetensors, README "Format".
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set('__metadata__', metadata);
  const ordered = [...tensors].sort(([, a], [, b]) => a.dtype.localeCompare(b.dtype)).reverse();
  let dataBytes = 0;
  for (const [name, { dtype, shape, values }] of ordered) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (count !== values.length)
      throw new RangeError(`${name}: shape [${shape}] does not hold ${values.length} values`);
    const begin = dataBytes;
    dataBytes += count * (dtype === 'F32' ? 4 : 2);
    header.set(name, { dtype, shape, data_offsets: [begin, dataBytes] });
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + dataBytes).fill(0x20, 8, 8 + headerBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(text, 8);
  let position = 8 + headerBytes;
  for (const [, { dtype, values }] of ordered) {
    const stored = dtype === 'F32' ? values : toFloat16(values);
    file.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), position);
    position += stored.byteLength;
  }
  return file;
}

/**
 * From the layout in memory to that of a checkpoint, the inverse of `loadWeights`: rank 4 goes from HWIO to OIHW
 * (copied), every other tensor keeps its shape and values (not copied).
 */
export function toCheckpointLayout(
  values: Float32Array,
  shape: readonly number[],
): { shape: readonly number[]; values: Float32Array } {
  if (shape.length !== 4) return { shape, values };
  const [height, width, inputs, outputs] = shape as [number, number, number, number];
  const moved = new Float32Array(values.length);
  let from = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < outputs; o++) moved[((o * inputs + i) * height + y) * width + x] = values[from++] as number;
      }
    }
  }
  return { shape: [outputs, inputs, height, width], values: moved };
}
