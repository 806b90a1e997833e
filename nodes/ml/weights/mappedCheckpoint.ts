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
    read: async (name) => {
      const source = entryOf(sources, file.path, name);
      const values = await file.read(source.name);
      if (source.transposed) return transposed(values, file.entry(source.name).shape);
      if (!source.part) return values;
      const size = values.length / source.part.of;
      return values.slice(source.part.index * size, (source.part.index + 1) * size);
    },
  };
}

function arrangedEntry(entry: CheckpointEntry, { part, transposed, squeezed }: TensorSource): CheckpointEntry {
  const { dtype, shape, bytes } = entry;
  if (transposed) return { dtype, shape: shape.toReversed(), bytes };
  if (squeezed) return { dtype, shape: shape.slice(0, 2), bytes };
  if (!part) return entry;
  return { dtype, shape: [(shape[0] as number) / part.of, ...shape.slice(1)], bytes: bytes / part.of };
}

function transposed(values: CheckpointValues, shape: readonly number[]): CheckpointValues {
  const [rows, columns] = shape as [number, number];
  const turned = values.slice();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = values[row * columns + column] as number & bigint;
  return turned;
}
