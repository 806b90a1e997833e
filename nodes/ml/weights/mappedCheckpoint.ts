import { type Checkpoint, type CheckpointEntry, type CheckpointValues, entryOf } from './checkpoint.ts';

/** Where a tensor lies in a file that names or arranges it differently. */
export interface TensorSource {
  readonly name: string;
  /** The `index`-th of `of` equal parts along the first axis. */
  readonly part?: { readonly index: number; readonly of: number };
  /** The file holds the transpose of this matrix. */
  readonly transposed?: boolean;
  /** The file holds a 1x1 convolution [D, C, 1, 1] for this matrix [D, C]. */
  readonly squeezed?: boolean;
}

/** The same file under other names: `sources` tells for each new name where its tensor lies. */
export function mappedCheckpoint(file: Checkpoint, sources: ReadonlyMap<string, TensorSource>): Checkpoint {
  return {
    path: file.path,
    metadata: file.metadata,
    names: () => [...sources.keys()],
    has: (name) => sources.has(name),
    entry: (name) => {
      const source = entryOf(sources, file.path, name);
      return arrangedEntry(file.entry(source.name), source);
    },
    read: async (name, staging) => {
      const { name: stored, part, transposed } = entryOf(sources, file.path, name);
      if (transposed) return transpose(await file.read(stored, staging), file.entry(stored).shape);
      if (!part) return file.read(stored, staging);
      const values = await file.read(stored, staging);
      const size = values.length / part.of;
      return values.slice(part.index * size, (part.index + 1) * size);
    },
  };
}

/**
 * The tensors of a file of torch that a trainer saved as `state_dict` beside other things, under the `module.` of a training
 * on several devices, or with the `_orig_mod.` of torch.compile before what was compiled; any other file as it is.
 */
export function stateDict(file: Checkpoint): Checkpoint {
  return uncompiled(below(below(file, 'state_dict/', false), 'module.', true));
}

function uncompiled(file: Checkpoint): Checkpoint {
  const names = file.names();
  const plain = new Map(names.map((name) => [name.replace(/(^|\.)_orig_mod\./g, '$1'), { name }]));
  const isCompiled = names.some((name) => !plain.has(name));
  return isCompiled && plain.size === names.length ? mappedCheckpoint(file, plain) : file;
}

/** The tensors below a prefix, where there are any; with `all`, only where every name has it. */
function below(file: Checkpoint, prefix: string, all: boolean): Checkpoint {
  const names = file.names();
  const inside = names.filter((name) => name.startsWith(prefix));
  if (inside.length === 0 || (all && inside.length < names.length)) return file;
  return mappedCheckpoint(file, new Map(inside.map((name) => [name.slice(prefix.length), { name }])));
}

function arrangedEntry(entry: CheckpointEntry, { part, transposed, squeezed }: TensorSource): CheckpointEntry {
  const { dtype, shape, bytes } = entry;
  if (transposed) return { dtype, shape: shape.toReversed(), bytes };
  if (squeezed) return { dtype, shape: shape.slice(0, 2), bytes };
  if (!part) return entry;
  return { dtype, shape: [(shape[0] as number) / part.of, ...shape.slice(1)], bytes: bytes / part.of };
}

function transpose(values: CheckpointValues, shape: readonly number[]): CheckpointValues {
  const [rows, columns] = shape as [number, number];
  const transposed = values.slice();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      transposed[column * rows + row] = values[row * columns + column] as number & bigint;
  return transposed;
}
