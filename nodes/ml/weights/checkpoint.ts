import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import type { Staging } from './staging.ts';

/** Element types that checkpoint files hold, by their usual names. */
export type Dtype =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float8_e4m3fn'
  | 'float8_e5m2'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool';

/**
 * Values as read: booleans are 0 and 1; floats of 16 and 8 bits are converted to float32 (exactly). Where the staging keeps
 * halves, Uint16Array holds the bits of float16 or bfloat16; those of 8 bits are then float16.
 */
export type CheckpointValues =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

export interface CheckpointEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes in the file. */
  readonly bytes: number;
}

/**
 * A checkpoint file whose header has been read and checked; tensors are read one by one. Values that are no tensors
 * (safetensors metadata; numbers and texts beside the tensors of a torch file) stand in `metadata`.
 */
export interface Checkpoint {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string | number | bigint | boolean | null>;
  names(): string[];
  has(name: string): boolean;
  /** Throws UserError `MISSING_WEIGHT`. */
  entry(name: string): CheckpointEntry;
  /**
   * The tensor's values, row-major. The caller owns the array; with `staging`, it may lie there and is valid until the
   * next use but one of it. Throws UserError `MISSING_WEIGHT` or `READ_FAILED`.
   */
  read(name: string, staging?: Staging): Promise<CheckpointValues>;
}

const elementSizes: Readonly<Record<Dtype, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float8_e4m3fn: 1,
  float8_e5m2: 1,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** Bytes of one element in a file. */
export function elementSize(dtype: Dtype): number {
  return elementSizes[dtype];
}

/** The one error of every checkpoint reader: code `BAD_CHECKPOINT`, a sentence that names the file. */
export function badCheckpoint(path: string, reason: string, cause?: unknown): UserError {
  return new UserError('BAD_CHECKPOINT', `"${path}" is not a usable checkpoint: ${reason}.`, { cause });
}

/** Dimensions of a tensor in a file, at most; torch itself stops at 64, and no weights have more than 5. */
const MOST_DIMENSIONS = 8;

/**
 * Elements of a shape, or undefined where a size is no whole number >= 0, the product passes 2^53, or it has more than 8
 * dimensions.
 */
export function elementCount(shape: readonly unknown[]): number | undefined {
  if (shape.length > MOST_DIMENSIONS) return undefined;
  let count = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** The entry of that name. Throws UserError `MISSING_WEIGHT`. */
export function entryOf<Entry>(entries: ReadonlyMap<string, Entry>, path: string, name: string): Entry {
  const entry = entries.get(name);
  if (entry === undefined) throw new UserError('MISSING_WEIGHT', `"${path}" has no tensor ${quote(name)}.`);
  return entry;
}
