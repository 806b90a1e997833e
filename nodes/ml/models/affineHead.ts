import { UserError } from '../../errors.ts';
import { add, matMul, reshape, type Tensor1D, type Tensor2D, tidy } from '../tf.ts';
import type { Checkpoint } from '../weights/checkpoint.ts';
import type { Weights } from '../weights/weights.ts';
import type { Shapes } from './unetBlocks.ts';

/** y = x W^T + b with one output. The owner disposes of both. */
export interface AffineMap {
  /** [1, P] */
  readonly weight: Tensor2D;
  /** [1] */
  readonly bias: Tensor1D;
}

/**
 * Linear layers with nothing but dropout between them are one affine map: W = W_n ... W_1, b = W_n (... b_1 ...) + b_n.
 * The caller owns the result.
 */
export function collapse(layers: readonly Weights[]): AffineMap {
  return tidy(() => {
    const [first, ...rest] = layers.map((layer) => ({
      weight: layer.get('weight') as Tensor2D, // [out, in]
      bias: layer.get('bias') as Tensor1D,
    }));
    let { weight, bias } = { weight: add(first!.weight, 0) as Tensor2D, bias: add(first!.bias, 0) as Tensor1D };
    for (const next of rest) {
      const carried = matMul(next.weight, reshape(bias, [-1, 1])); // [out, 1]
      bias = add(reshape(carried, [-1]), next.bias) as Tensor1D;
      weight = matMul(next.weight, weight);
    }
    return { weight, bias };
  });
}

/** x [N, P] -> [N]. The caller owns the result. */
export function applyAffine(x: Tensor2D, { weight, bias }: AffineMap): Tensor1D {
  return tidy(() => reshape(add(matMul(x, weight, false, true), bias), [-1]));
}

/**
 * Names of a head's layers in a file, first one first, and the shapes they must have: `layers.0`, `layers.2`, ... below
 * `prefix`, from `width` (any, where undefined) to one number. Numbers in between are dropout; two missing ones in a row
 * mean an activation, which cannot be collapsed. Throws UserError `WRONG_WEIGHTS` or `UNSUPPORTED`.
 */
export function affineLayers(file: Checkpoint, prefix: string, width?: number): { names: string[]; shapes: Shapes } {
  const pattern = /^layers\.(\d+)\.weight$/;
  const found = file.names().flatMap((name) => {
    const place = name.startsWith(prefix) ? pattern.exec(name.slice(prefix.length)) : null;
    return place ? [Number(place[1])] : [];
  });
  const places = found.sort((a, b) => a - b);
  if (places.length === 0) throw wrong(file, `it has no ${prefix}layers.0.weight`);
  const gap = places.find((place, i) => place - (places[i - 1] ?? place) > 2);
  if (gap !== undefined)
    throw new UserError(
      'UNSUPPORTED',
      `"${file.path}" has activations between its layers (${places.join(', ')}), as the variants with ReLU do; only heads of linear layers are supported.`,
    );
  const names = places.map((place) => `${prefix}layers.${place}`);
  const shapes: Shapes = new Map();
  let [inputs] = [width ?? (file.entry(`${names[0]}.weight`).shape[1] as number)];
  for (const [i, name] of names.entries()) {
    const outputs = i === names.length - 1 ? 1 : (file.entry(`${name}.weight`).shape[0] as number);
    shapes.set(`${name}.weight`, [outputs, inputs]);
    shapes.set(`${name}.bias`, [outputs]);
    inputs = outputs;
  }
  return { names, shapes };
}

function wrong(file: Checkpoint, reason: string): UserError {
  const names = file.names();
  return new UserError(
    'WRONG_WEIGHTS',
    `"${file.path}" holds no head of linear layers: ${reason} among its ${names.length} tensors; it has ${names.slice(0, 3).join(', ') || 'none'}${names.length > 3 ? ', ...' : ''}.`,
  );
}
