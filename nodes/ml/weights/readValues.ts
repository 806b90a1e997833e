import type { CheckpointValues, Dtype } from './checkpoint.ts';
import { float16ToNumber } from './float16.ts';
import { chunkBytes, type Staging } from './staging.ts';

/** Bytes [start, end) of a file, in `scratch` if it likes. */
export type ReadRange = (start: number, end: number, scratch: Uint8Array) => Promise<Uint8Array>;

/**
 * Reads `count` little-endian elements that start at byte `start`. Float16 and bfloat16 become float32, piece by piece.
 * Floats are put into `staging` where one is given, and stay valid until it is used again.
 */
export async function readValues(
  read: ReadRange,
  start: number,
  count: number,
  dtype: Dtype,
  staging?: Staging,
): Promise<CheckpointValues> {
  if (dtype === 'float16' || dtype === 'bfloat16') return readHalves(read, start, count, dtype, staging);
  const values = dtype === 'float32' && staging ? staging.values(count) : emptyValues(dtype, count);
  const target = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (count > 0) {
    const bytes = await read(start, start + target.length, target);
    if (bytes.buffer !== target.buffer) target.set(bytes);
  }
  if (dtype === 'bool') for (let i = 0; i < target.length; i++) target[i] = target[i] === 0 ? 0 : 1;
  return values;
}

async function readHalves(
  read: ReadRange,
  start: number,
  count: number,
  dtype: 'float16' | 'bfloat16',
  staging?: Staging,
): Promise<Float32Array> {
  const values = staging?.values(count) ?? new Float32Array(count);
  const chunk = staging?.chunk ?? new Uint8Array(Math.min(chunkBytes, 2 * count));
  const widen = dtype === 'float16' ? widenFloat16 : widenBfloat16;
  const step = chunkBytes / 2;
  for (let done = 0; done < count; done += step) {
    const part = values.subarray(done, done + step);
    const bytes = await read(start + 2 * done, start + 2 * (done + part.length), chunk);
    const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
    widen(new Uint16Array(aligned.buffer, aligned.byteOffset, part.length), part);
  }
  return values;
}

function emptyValues(dtype: Exclude<Dtype, 'float16' | 'bfloat16'>, count: number): CheckpointValues {
  switch (dtype) {
    case 'float64':
      return new Float64Array(count);
    case 'float32':
      return new Float32Array(count);
    case 'int64':
      return new BigInt64Array(count);
    case 'int32':
      return new Int32Array(count);
    case 'int16':
      return new Int16Array(count);
    case 'int8':
      return new Int8Array(count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(count);
  }
}

function widenBfloat16(halves: Uint16Array, values: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] as number) << 16;
}

function widenFloat16(halves: Uint16Array, values: Float32Array): void {
  float16Table ??= Float32Array.from({ length: 1 << 16 }, (_, half) => float16ToNumber(half));
  for (let i = 0; i < halves.length; i++) values[i] = float16Table[halves[i] as number] as number;
}
let float16Table: Float32Array | undefined;
