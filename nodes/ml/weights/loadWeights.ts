import { UserError } from '../../errors.ts';
import { dispose, getBackend, mul, slice, type Tensor, tensor, tidy, transpose } from '../tf.ts';
import {
  type Checkpoint,
  type CheckpointEntry,
  type CheckpointValues,
  type Dtype,
  elementCount,
} from './checkpoint.ts';
import { canConvertOnDevice, convertToFloat32, staysHalves } from './convertToFloat32.ts';
import { isStaged, Staging } from './staging.ts';

export interface WeightSelection {
  /** Which tensors of the file to load; all by default. */
  readonly keep?: (name: string) => boolean;
  /** The name a tensor gets in the map (a missing name drops it); its own by default. */
  readonly rename?: (name: string) => string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Loads tensors one by one onto the present backend: converted to float32, rank-4 kernels from OIHW to HWIO (see
 * weights.ts). Memory at most: the weights, plus the largest of them twice more. The caller owns the tensors; after a
 * failure or an abort none are left. Throws what reading throws, and UserError `BAD_CHECKPOINT` for a name given twice.
 */
export async function loadWeights(
  checkpoint: Checkpoint,
  selection: WeightSelection = {},
): Promise<Map<string, Tensor>> {
  const { rename = (name) => name, signal } = selection;
  const weights = new Map<string, Tensor>();
  const names = selectedNames(checkpoint, selection);
  const staging = new Staging(names[0] === undefined ? 0 : countOf(checkpoint, names[0]), canConvertOnDevice());
  let next: Promise<CheckpointValues> | undefined;
  try {
    for (const [i, name] of names.entries()) {
      signal?.throwIfAborted();
      const newName = rename(name) as string;
      if (weights.has(newName)) {
        throw new UserError('BAD_CHECKPOINT', `"${checkpoint.path}" has two tensors that mean "${newName}".`);
      }
      const values = await (next ?? checkpoint.read(name, staging));
      next = names[i + 1] === undefined ? undefined : checkpoint.read(names[i + 1] as string, staging);
      next?.catch(() => {}); // thrown when its turn comes
      weights.set(newName, upload(values, checkpoint.entry(name)));
    }
    signal?.throwIfAborted();
    return weights;
  } catch (error) {
    dispose([...weights.values()]);
    throw error;
  } finally {
    await next?.catch(() => {}); // it may be reading into the memory that is given back
    await staging.release();
  }
}

/** Bytes that the selected tensors take in memory: as float32, but 2 a value where the device keeps narrow floats as halves. */
export function checkpointBytes(checkpoint: Checkpoint, selection: WeightSelection = {}): number {
  const bytesOf = (name: string): number => {
    const count = countOf(checkpoint, name);
    return count * (NARROW.includes(checkpoint.entry(name).dtype) && staysHalves(count) ? 2 : 4);
  };
  return selectedNames(checkpoint, selection).reduce((bytes, name) => bytes + bytesOf(name), 0);
}
/** Floats of 16 bits or fewer. */
const NARROW: readonly Dtype[] = ['float16', 'bfloat16', 'float8_e4m3fn', 'float8_e5m2'];

/** Throws UserError `NOT_ENOUGH_MEMORY`, which names both numbers, where `neededBytes` do not fit in `freeBytes`. */
export function requireMemory(what: string, neededBytes: number, freeBytes: number): void {
  if (neededBytes <= freeBytes) return;
  const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  throw new UserError(
    'NOT_ENOUGH_MEMORY',
    `${what} needs ${gibibytes(neededBytes)} of memory and ${gibibytes(freeBytes)} are free; close other programs, or choose a smaller model.`,
  );
}

/** Largest first: what reading a tensor takes besides the tensor is then needed while little else is there. */
function selectedNames(checkpoint: Checkpoint, { keep, rename }: WeightSelection): string[] {
  const names = checkpoint.names().filter((name) => (keep?.(name) ?? true) && (!rename || rename(name) !== undefined));
  return names.sort((a, b) => countOf(checkpoint, b) - countOf(checkpoint, a));
}

function countOf(checkpoint: Checkpoint, name: string): number {
  return elementCount(checkpoint.entry(name).shape) as number;
}

function upload(values: CheckpointValues, { shape, dtype }: CheckpointEntry): Tensor {
  if (values instanceof Uint16Array) return convertToFloat32(values, dtype === 'bfloat16' ? dtype : 'float16', shape);
  if (values instanceof Float32Array) return copyOf(values, shape);
  return copyOf(values instanceof BigInt64Array ? Float32Array.from(values, Number) : Float32Array.from(values), shape);
}

/**
 * Backends take an array over until the first operation on it, some for good. So there is one at once, whose result has
 * memory of its own, and `values` may be overwritten. (Native TensorFlow copies at the first operation what starts where
 * `Staging` does: any will do.)
 */
function copyOf(values: Float32Array, shape: readonly number[]): Tensor {
  return tidy(() => {
    const staged = tensor(values, [...shape], 'float32');
    if (shape.length === 4) return transpose(staged, [2, 3, 1, 0]);
    if (getBackend() !== 'tensorflow' || !isStaged(values) || shape.length === 0) return mul(staged, 1);
    slice(staged, new Array(shape.length).fill(0), new Array(shape.length).fill(1));
    return staged;
  });
}
