import { UserError } from '../../errors.ts';
import type { Tensor } from '../tf.ts';

/**
 * Named weights of a model, float32, as the published checkpoint names them. One layout rule: rank-4 convolution
 * kernels are stored HWIO (TensorFlow's order); every other tensor keeps the shape of the file, so a Linear weight is
 * [out, in] and is applied with `transposeB`. The owner of the map disposes of the tensors; layers only read.
 */
export interface Weights {
  /** The tensor of that name below this prefix. Throws UserError `MISSING_WEIGHT` naming the full key. */
  get(name: string): Tensor;
  has(name: string): boolean;
  /** Full names below this prefix, without the prefix. */
  names(): string[];
  /** The same weights seen from `prefix.`. */
  at(prefix: string): Weights;
}

/** A view of `tensors` (full name -> tensor) below `prefix`. Borrows the tensors. */
export function weightsOf(tensors: ReadonlyMap<string, Tensor>, prefix = ''): Weights {
  return {
    get(name) {
      const tensor = tensors.get(prefix + name);
      if (!tensor) throw new UserError('MISSING_WEIGHT', `The checkpoint has no tensor "${prefix + name}".`);
      return tensor;
    },
    has: (name) => tensors.has(prefix + name),
    names: () => [...tensors.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
    at: (name) => weightsOf(tensors, `${prefix}${name}.`),
  };
}
