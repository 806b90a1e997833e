import { concat, reshape, split, type Tensor, type Tensor1D, tidy } from '../tf.ts';

/** Names and shapes of a model's parameters, in the order in which one long vector holds them. */
export type ParameterLayout = readonly { readonly name: string; readonly shape: readonly number[] }[];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
export const parameterCount = (layout: ParameterLayout): number =>
  layout.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** The layout of a model's weights as they are held in memory (rank 4: OIHW of the file -> HWIO), under a prefix. */
export function layoutOf(shapes: ReadonlyMap<string, readonly number[]>, prefix = ''): ParameterLayout {
  return [...shapes].map(([name, shape]) => ({
    name: prefix + name,
    shape: shape.length === 4 ? [shape[2]!, shape[3]!, shape[1]!, shape[0]!] : shape,
  }));
}

/** One vector -> the parameters, in the order of the layout. The caller owns them. */
export function unflatten(vector: Tensor1D, layout: ParameterLayout): Tensor[] {
  return tidy(() => {
    const parts = split(
      vector,
      layout.map(({ shape }) => sizeOf(shape)),
    );
    return parts.map((part, i) => reshape(part, [...layout[i]!.shape]));
  });
}

/** The inverse of `unflatten`. */
export function flatten(tensors: readonly Tensor[]): Tensor1D {
  return tidy(() => concat(tensors.map((part) => reshape(part, [-1]) as Tensor1D)));
}
