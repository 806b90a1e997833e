import type { Files } from '../../files.ts';
import type { CheckpointValues, Dtype } from './checkpoint.ts';
import { type Float8, float8Halves, float8Values } from './float8.ts';
import { float16ToNumber } from './float16.ts';
import { CHUNK_BYTES, type Staging } from './staging.ts';

/** `count` elements from byte `start` of a file. */
export interface Place {
  readonly files: Pick<Files, 'read'>;
  readonly path: string;
  readonly start: number;
  readonly count: number;
}

/**
 * Reads little-endian elements. Floats of 16 and 8 bits become float32, piece by piece, but for a staging that keeps halves.
 * Floats are put into `staging` where one is given, and stay valid until the next use but one of it.
 */
export async function readValues(place: Place, dtype: Dtype, staging?: Staging): Promise<CheckpointValues> {
  if (dtype === 'float8_e4m3fn' || dtype === 'float8_e5m2') return readFloat8(place, dtype, staging);
  if (dtype === 'float16' || dtype === 'bfloat16')
    return staging?.keepsHalves ? readHalves(place, staging) : readAsFloat32(place, dtype, staging);
  const { count } = place;
  const values = dtype === 'float32' && staging ? floats(staging, count) : emptyValues(dtype, count);
  const target = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  await readInto(place, 0, target);
  if (dtype === 'bool') for (let i = 0; i < target.length; i++) target[i] = target[i] === 0 ? 0 : 1;
  return values;
}

/** Fills `target` with what lies `skip` bytes behind the start of a place. */
async function readInto({ files, path, start }: Place, skip: number, target: Uint8Array): Promise<void> {
  if (target.length === 0) return;
  const bytes = await files.read(path, start + skip, start + skip + target.length, target);
  if (bytes.buffer !== target.buffer) target.set(bytes);
}

async function readHalves(place: Place, staging: Staging): Promise<Uint16Array> {
  const values = halves(staging, place.count);
  await readInto(place, 0, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return values;
}

/** As float16 bits for a staging that keeps halves, else as float32. */
async function readFloat8(place: Place, dtype: Float8, staging?: Staging): Promise<Uint16Array | Float32Array> {
  const { count } = place;
  const keeps = staging?.keepsHalves === true;
  const table = keeps ? float8Halves[dtype] : float8Values[dtype];
  const values = keeps ? halves(staging, count) : staging ? floats(staging, count) : new Float32Array(count);
  const chunk = staging?.chunk ?? new Uint8Array(Math.min(CHUNK_BYTES, count));
  for (let done = 0; done < count; done += CHUNK_BYTES) {
    const part = chunk.subarray(0, Math.min(CHUNK_BYTES, count - done));
    await readInto(place, done, part);
    for (let i = 0; i < part.length; i++) values[done + i] = table[part[i] as number] as number;
  }
  return values;
}

async function readAsFloat32(place: Place, dtype: 'float16' | 'bfloat16', staging?: Staging): Promise<Float32Array> {
  const { count } = place;
  const values = staging ? floats(staging, count) : new Float32Array(count);
  const chunk = staging?.chunk ?? new Uint8Array(Math.min(CHUNK_BYTES, 2 * count));
  const convert = dtype === 'float16' ? convertFloat16 : convertBfloat16;
  const step = CHUNK_BYTES / 2;
  for (let done = 0; done < count; done += step) {
    const part = values.subarray(done, done + step);
    await readInto(place, 2 * done, chunk.subarray(0, 2 * part.length));
    convert(new Uint16Array(chunk.buffer, chunk.byteOffset, part.length), part);
  }
  return values;
}

function halves(staging: Staging, count: number): Uint16Array {
  const bytes = staging.room(2 * count);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, count);
}

function floats(staging: Staging, count: number): Float32Array {
  const bytes = staging.room(4 * count);
  return new Float32Array(bytes.buffer, bytes.byteOffset, count);
}

function emptyValues(dtype: Exclude<Dtype, 'float16' | 'bfloat16' | Float8>, count: number): CheckpointValues {
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

function convertBfloat16(halves: Uint16Array, values: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] as number) << 16;
}

function convertFloat16(halves: Uint16Array, values: Float32Array): void {
  float16Table ??= Float32Array.from({ length: 1 << 16 }, (_, half) => float16ToNumber(half));
  for (let i = 0; i < halves.length; i++) values[i] = float16Table[halves[i] as number] as number;
}
let float16Table: Float32Array | undefined;
