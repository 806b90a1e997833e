import { quote } from '../../quote.ts';
import type { Dtype } from './checkpoint.ts';
import { elementCount } from './checkpoint.ts';
import {
  badPickle,
  memoryOf,
  Opaque,
  type Pickled,
  type PickleGlobals,
  type PickleMemory,
  type PickleReading,
} from './unpickle.ts';

/** A run of elements somewhere in a torch file; tensors are views of it, several may share one. */
export interface TorchStorage {
  readonly key: string;
  readonly dtype: Dtype;
  readonly count: number;
}

/** Element [i, j, ...] of a tensor is element offset + i * strides[0] + j * strides[1] + ... of its storage. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** What stands for a storage while a pickle is read. */
class StorageReference implements TorchStorage {
  readonly key: string;
  readonly dtype: Dtype;
  readonly count: number;
  constructor(key: string, dtype: Dtype, count: number) {
    this.key = key;
    this.dtype = dtype;
    this.count = count;
  }
}

class StorageType {
  readonly dtype: Dtype;
  constructor(dtype: Dtype) {
    this.dtype = dtype;
  }
}

const storageTypes: readonly (readonly [name: string, dtype: Dtype])[] = [
  ['DoubleStorage', 'float64'],
  ['FloatStorage', 'float32'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['BoolStorage', 'bool'],
];

const globals: PickleGlobals = new Map<string, Pickled>([
  ...storageTypes.map(([name, dtype]) => [`torch.${name}`, new StorageType(dtype)] as const),
  ['collections.OrderedDict', orderedDictionary],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
]);

/**
 * How torch's pickles are read: an allow-list of a dictionary, tensors and storages. Another way to make a tensor is
 * refused, since one of the weights would be missing; other objects are opaque. Adds storages to `storages`.
 */
export function torchPickleReading(storages: Map<string, TorchStorage>): PickleReading {
  return { globals, refusalOf, persistentLoad: (id) => storageOf(id, storages) };
}

/** What runs programs or code in Python: nothing here would run it, but such a file was made to do harm. */
const harmful =
  /^(os|posix|nt|sys|subprocess|commands|socket|shutil|runpy|importlib|pty|ctypes|webbrowser)\.|^(__builtin__|builtins)\.(eval|exec|execfile|compile|open|getattr|setattr|delattr|__import__|input|breakpoint|globals)$/;

function refusalOf(name: string): string | undefined {
  if (harmful.test(name)) return 'which no weights need; it may be harmful, so nothing was read';
  return /^torch\..{0,80}\b_rebuild_/.test(name) ? 'a kind of tensor that is not read' : undefined;
}

/** ('storage', type, key, device, element count[, view of another storage: None since torch 0.2]). */
function storageOf(id: Pickled, storages: Map<string, TorchStorage>): Pickled {
  const [kind, type, key, , count, view] = Array.isArray(id) ? id : [];
  if (
    kind !== 'storage' ||
    !(type instanceof StorageType) ||
    typeof key !== 'string' ||
    elementCount([count]) === undefined
  ) {
    const found = type instanceof Opaque ? type.className : quote(kind);
    throw badPickle(`it refers to something that is no storage of a known type: ${found}`);
  }
  if (view !== undefined && view !== null) throw badPickle('it refers to part of a storage, as torch before 0.2 did');
  const known = storages.get(key);
  if (known && (known.dtype !== type.dtype || known.count !== count)) {
    throw badPickle(`it describes storage ${quote(key)} in two ways`);
  }
  const storage = known ?? new StorageReference(key, type.dtype, count as number);
  storages.set(key, storage);
  return storage;
}

function rebuildTensor([storage, offset, shape, strides]: Pickled[], memory: PickleMemory): Pickled {
  if (storage instanceof Opaque) throw badPickle(`it makes a tensor of an object of the class ${storage.className}`);
  if (!Array.isArray(shape) || !Array.isArray(strides) || shape.length !== strides.length)
    throw badPickle('it describes a tensor that cannot be');
  const count = elementCount(shape);
  if (count === undefined) throw badPickle(`it holds a tensor of the impossible shape ${quote(shape)}`);
  if (!(storage instanceof StorageReference && isCount(offset) && strides.every(isCount)))
    throw badPickle('it describes a tensor that cannot be');
  const last = shape.reduce(
    (sum: number, size, axis) => sum + ((size as number) - 1) * (strides[axis] as number),
    offset,
  );
  if (count > 0 && !(last < storage.count)) {
    throw badPickle(`it holds a tensor ${quote(shape)} that reaches past its storage of ${storage.count} elements`);
  }
  memory.spend(4 * memoryOf.array + 2 * shape.length * memoryOf.slot);
  return new TorchTensor(storage, offset, [...shape] as number[], [...strides] as number[]);
}

function rebuildParameter([tensor]: Pickled[]): Pickled {
  if (!(tensor instanceof TorchTensor)) throw badPickle('it holds a parameter without a tensor');
  return tensor;
}

function orderedDictionary([pairs = []]: Pickled[], memory: PickleMemory): Pickled {
  if (!Array.isArray(pairs)) throw badPickle('it holds a dictionary that is not made of pairs');
  memory.spend(memoryOf.map + pairs.length * memoryOf.entry);
  if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    throw badPickle('it holds a dictionary that is not made of pairs');
  return new Map(pairs as [Pickled, Pickled][]);
}

function isCount(value: Pickled | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
