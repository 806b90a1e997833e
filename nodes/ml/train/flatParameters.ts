import { concat, reshape, split, type Tensor, type Tensor1D, tidy } from '../tf.ts';

/** Names and shapes of a model's parameters, in the order in which one long vector holds them. */
export type ParameterLayout = readonly { readonly name: string; readonly shape: readonly number[] }[];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
export const parameterCount = (layout: ParameterLayout): number =>
  layout.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** One vector -> the parameters, in the order of the layout. The caller owns them. */
export function unflatten(vector: Tensor1D, layout: ParameterLayout): Tensor[] {
  return tidy(() => {
    const pieces = split(
      vector,
      layout.map(({ shape }) => sizeOf(shape)),
    );
    return pieces.map((piece, i) => reshape(piece, [...layout[i]!.shape]));
  });
}

/** The inverse of `unflatten`. */
export function flatten(tensors: readonly Tensor[]): Tensor1D {
  return tidy(() => concat(tensors.map((tensor) => reshape(tensor, [-1]) as Tensor1D)));
}
