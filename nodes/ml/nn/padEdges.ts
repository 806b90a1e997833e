import { concat, reverse, slice, type Tensor4D, tidy, tile } from '../tf.ts';

/**
 * Continues images beyond their edges by `width` pixels on all sides: `reflect` mirrors without repeating the edge
 * (width < side), `replicate` repeats the edge. [N, H, W, C] -> [N, H + 2 width, W + 2 width, C]. Differentiable on every
 * device, which TensorFlow.js' own padding is not. The caller owns the result.
 */
export function padEdges(x: Tensor4D, width: number, kind: 'reflect' | 'replicate'): Tensor4D {
  return tidy(() => [1, 2].reduce((padded, axis) => padAlong(padded, axis, width, kind), x));
}

function padAlong(x: Tensor4D, axis: number, width: number, kind: 'reflect' | 'replicate'): Tensor4D {
  const length = x.shape[axis]!;
  const part = (start: number, size: number): Tensor4D => {
    const [begin, sizes] = [[0, 0, 0, 0], [...x.shape]];
    begin[axis] = start;
    sizes[axis] = size;
    return slice(x, begin, sizes);
  };
  const repeats = [1, 1, 1, 1];
  repeats[axis] = width;
  const [before, after] =
    kind === 'reflect'
      ? [reverse(part(1, width), axis), reverse(part(length - 1 - width, width), axis)]
      : [tile(part(0, 1), repeats), tile(part(length - 1, 1), repeats)];
  return concat([before, x, after], axis);
}
