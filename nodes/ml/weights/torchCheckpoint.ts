import { UserError } from '../../errors.ts';
import type { Files } from '../../files.ts';
import { quote } from '../../quote.ts';
import {
  badCheckpoint,
  type Checkpoint,
  type CheckpointValues,
  elementCount,
  elementSize,
  entryOf,
} from './checkpoint.ts';
import { nameValues } from './nameValues.ts';
import { PICKLE_CUT_OFF } from './pickleInput.ts';
import { readValues } from './readValues.ts';
import { type TorchStorage, type TorchTensor, torchPickleReading } from './torchPickle.ts';
import { badPickle, type Pickled, unpickle } from './unpickle.ts';
import { contentStart, isZip, readZipDirectory, type ZipEntry } from './zip.ts';

/** What both file formats come down to: one pickled object, and the first byte of each storage. */
interface TorchFile {
  readonly object: Pickled;
  /** Bytes of all pickles: nothing in them can need more steps than that. */
  readonly pickleBytes: number;
  storageStart(storage: TorchStorage, files: Pick<Files, 'read'>): Promise<number>;
}

/** Bytes of the pickles of a file; those of the largest published weights have about 2 MB. */
const LONGEST_PICKLE = 1 << 24;
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/**
 * Opens a file of `torch.save`: the zip format or the older one. Nothing in it is run. Tensors of nested dictionaries
 * and lists are named by their path, joined with '/'; a file that is a single tensor has it under ''. An object of an
 * unknown class is kept as its name only: `has` is true for it, and to ask for its values is an error that names the class.
 * Source: PyTorch torch/serialization.py (format), CPython pickletools. Throws UserError `NOT_FOUND`, `READ_FAILED` or
 * `BAD_CHECKPOINT`; every tensor is checked against the bounds of its storage and of the file before anything is read.
 */
export async function openTorchCheckpoint(files: Files, path: string): Promise<Checkpoint> {
  const size = (await files.size(path)) ?? 0;
  const file = await naming(path, async () => {
    const start = await files.read(path, 0, Math.min(4, size));
    if (isZip(start)) return openZip(files, path, size);
    if (start[0] !== 0x80) throw badPickle('it does not start as torch files do');
    return openLegacy(files, path, size);
  });
  const { tensors, opaque, metadata } = await naming(path, async () => nameValues(file.object, file.pickleBytes, size));
  const tensorOf = (name: string) => {
    const className = opaque.get(name);
    if (className === undefined) return entryOf(tensors, path, name);
    throw badCheckpoint(path, `${quote(name)} is an object of the class ${className}, and a tensor is needed`);
  };
  return {
    path,
    metadata,
    names: () => [...tensors.keys()],
    has: (name) => tensors.has(name) || opaque.has(name),
    entry: (name) => {
      const { shape, storage } = tensorOf(name);
      return { shape, dtype: storage.dtype, bytes: countOf(shape) * elementSize(storage.dtype) };
    },
    read: async (name, staging) => {
      const tensor = tensorOf(name);
      const source = staging?.holdOpen(files) ?? files;
      const start = await file.storageStart(tensor.storage, source);
      return readView(tensor, (first, count) => {
        const { dtype } = tensor.storage;
        return readValues({ files: source, path, start: start + first * elementSize(dtype), count }, dtype, staging);
      });
    },
  };
}

/** The zip format: `<root>/data.pkl`, and `<root>/data/<key>` for every storage. */
async function openZip(files: Files, path: string, size: number): Promise<TorchFile> {
  const directory = await readZipDirectory(files, path, size);
  const content = async (entry: ZipEntry) => {
    const start = await contentStart(files, path, entry, size);
    return files.read(path, start, start + entry.size);
  };
  const pickleName = [...directory.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const pickle = pickleName === undefined ? undefined : directory.get(pickleName);
  if (!pickleName || !pickle) throw badPickle('the archive has no data.pkl');
  const root = pickleName.slice(0, -'data.pkl'.length);
  if (directory.has(`${root}constants.pkl`)) throw badPickle('it is a TorchScript program, not a file of weights');
  if (pickle.size > LONGEST_PICKLE) throw tooLongPickle(pickle.size);
  const byteOrder = directory.get(`${root}byteorder`);
  if (byteOrder && byteOrder.size > 16) throw badPickle(`its byte order is said in ${byteOrder.size} bytes`);
  if (byteOrder && new TextDecoder().decode(await content(byteOrder)).trim() !== 'little') {
    throw badPickle('its bytes are not in little-endian order');
  }
  const storages = new Map<string, TorchStorage>();
  const object = unpickle(await content(pickle), 0, torchPickleReading(storages)).value;
  const entries = new Map<string, ZipEntry>();
  for (const { key, dtype, count } of storages.values()) {
    const entry = directory.get(`${root}data/${key}`);
    if (!entry || entry.size < count * elementSize(dtype)) {
      throw badPickle(
        `storage ${quote(key)} needs ${count * elementSize(dtype)} bytes and the archive has ${entry?.size ?? 0}`,
      );
    }
    entries.set(key, entry);
  }
  return {
    object,
    pickleBytes: pickle.size,
    storageStart: ({ key }, source) => contentStart(source, path, entries.get(key) as ZipEntry, size),
  };
}

/** The older format: magic number, protocol, system, object and storage keys as five pickles, then count and elements of each storage. */
async function openLegacy(files: Files, path: string, size: number): Promise<TorchFile> {
  const storages = new Map<string, TorchStorage>();
  const { values, end } = await readPickles(files, path, size, storages);
  const [magic, protocol, system, object, keys] = values;
  if (magic !== LEGACY_MAGIC || protocol !== LEGACY_PROTOCOL) throw badPickle('it does not start as torch files do');
  if (!(system instanceof Map) || system.get('little_endian') !== true)
    throw badPickle('its bytes are not little-endian');
  if (!Array.isArray(keys)) throw badPickle('it has no list of storages');
  const starts = new Map<string, number>();
  let position = end;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage || position + 8 > size) throw badPickle(`storage ${quote(key)} is missing`);
    const header = await files.read(path, position, position + 8);
    const count = new DataView(header.buffer, header.byteOffset, 8).getBigInt64(0, true);
    starts.set(storage.key, position + 8);
    position += 8 + storage.count * elementSize(storage.dtype);
    if (count !== BigInt(storage.count) || position > size) throw badPickle(`storage ${quote(storage.key)} is cut off`);
  }
  for (const key of storages.keys()) if (!starts.has(key)) throw badPickle(`storage ${quote(key)} is missing`);
  return { object: object as Pickled, pickleBytes: end, storageStart: async ({ key }) => starts.get(key) as number };
}

/** Reads the five pickles from a prefix of the file that is doubled until they fit. */
async function readPickles(
  files: Files,
  path: string,
  size: number,
  storages: Map<string, TorchStorage>,
): Promise<{ values: Pickled[]; end: number }> {
  for (let length = Math.min(size, 1 << 20); ; length = Math.min(size, length * 2)) {
    const bytes = await files.read(path, 0, length);
    try {
      storages.clear();
      const values: Pickled[] = [];
      let end = 0;
      while (values.length < 5) {
        const part = unpickle(bytes, end, torchPickleReading(storages));
        if (values.length === 0 && part.value !== LEGACY_MAGIC) throw badPickle('it does not start as torch files do');
        values.push(part.value);
        end = part.end;
      }
      return { values, end };
    } catch (error) {
      if (!(error instanceof UserError && error.code === PICKLE_CUT_OFF) || length === size) throw error;
      if (length >= LONGEST_PICKLE) throw tooLongPickle(length);
    }
  }
}

function tooLongPickle(bytes: number): UserError {
  return badPickle(`its pickle has ${bytes} bytes or more, and at most ${LONGEST_PICKLE} are read`);
}

/** Reads a view: straight where its elements lie in order, else the span it covers, gathered by its strides. */
async function readView(
  { offset, shape, strides }: TorchTensor,
  read: (first: number, count: number) => Promise<CheckpointValues>,
): Promise<CheckpointValues> {
  const count = countOf(shape);
  if (count === 0 || isContiguous(shape, strides)) return read(offset, count);
  const span = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), 1);
  const source = await read(offset, span);
  const values = new (source.constructor as new (length: number) => CheckpointValues)(count);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    values[to] = source[from] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      from -= (shape[axis] as number) * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return values;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis] as number;
  }
  return true;
}

function countOf(shape: readonly number[]): number {
  return elementCount(shape) as number;
}

/** Turns what is wrong with a pickle into the error that names the file. */
async function naming<Value>(path: string, read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UserError) || !error.code.includes('PICKLE')) throw error;
    throw badCheckpoint(path, error.message, error);
  }
}
