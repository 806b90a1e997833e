import { conv2d } from '../nn/conv2d.ts';
import { defineOp } from '../nn/defineOp.ts';
import { padEdges } from '../nn/padEdges.ts';
import {
  abs,
  add,
  cast,
  greater,
  greaterEqual,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  maxPool,
  minimum,
  mul,
  pad,
  slice,
  split,
  sqrt,
  square,
  sum,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
  zerosLike,
} from '../tf.ts';
import { weightsOf } from '../weights/weights.ts';

/**
 * Edges of images by Canny's method: the length of the brightness gradient where it is largest across the edge, 0
 * elsewhere. Differentiable through the length; where it is largest counts as given.
 * Source: Canny 1986; arXiv 2404.07987 (ControlNet++), its differentiable Canny without hysteresis. Deviation: of two
 * equally strong neighbours one is kept, as OpenCV does, rather than none.
 *
 * | here   |                                                                                   |
 * |--------|-----------------------------------------------------------------------------------|
 * | grey   | 0.299 R + 0.587 G + 0.114 B, blurred by a 5x5 Gaussian of deviation 1 pixel         |
 * | slopes | (gx, gy) by Sobel's kernels, whose weights are not normalised: 8 times the slope     |
 * | length | sqrt(gx^2 + gy^2 + 1e-6); about 3 at an edge between black and white                 |
 *
 * @param pixels [N, H, W, 3] in [0, 1], sides above 2; @returns [N, H, W, 1]. Both belong to the caller.
 */
export function cannyEdges(pixels: Tensor4D): Tensor4D {
  return tidy(() => {
    const grey = sum(mul(pixels, tensor1d([0.299, 0.587, 0.114])), 3, true) as Tensor4D;
    const blurred = filtered(padEdges(grey, 2, 'reflect'), gaussian(5, 1), 1);
    const slopes = filtered(padEdges(blurred, 1, 'replicate'), sobel, 2); // [N, H, W, 2]
    const length = sqrt(add(sum(square(slopes), 3, true), 1e-6)) as Tensor4D;
    return thin({ length, slopes }) as Tensor4D;
  });
}

/**
 * 1 on edges and 0 elsewhere: those above `high`, and those above `low` that are connected to one of them.
 * edges [N, H, W, 1] of `cannyEdges` -> [N, H, W, 1]. It follows a chain of weak edges for up to 64 pixels. No gradient.
 */
export function thresholdEdges(edges: Tensor4D, low: number, high: number): Tensor4D {
  const longestChain = 64;
  return tidy(() => {
    const weak = cast(greater(edges, low), 'float32') as Tensor4D;
    let strong = cast(greater(edges, high), 'float32') as Tensor4D;
    for (let i = 0; i < Math.min(longestChain, Math.max(edges.shape[1], edges.shape[2])); i++) {
      const grown = tidy(() => minimum(weak, maxPool(strong, 3, 1, 'same')) as Tensor4D);
      strong.dispose();
      strong = grown;
    }
    return strong;
  });
}

/** Keeps `length` [N, H, W, 1] where no neighbour along `slopes` (rounded to 45 degrees) exceeds it. */
const thin = defineOp('NoiseloomThinEdges', {
  reads: ['slopes'],
  keeps: 2,
  forward({ length, slopes }) {
    const largest = cast(isLargest(length, slopes), 'float32');
    return [mul(length, largest), largest];
  },
  gradient: (dy, [slopes, _y, largest]) => ({
    length: () => mul(dy, largest as Tensor),
    slopes: () => zerosLike(slopes as Tensor),
  }),
});

function isLargest(length: Tensor4D, slopes: Tensor4D): Tensor {
  const framed = pad(length, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
  const neighbour = (dy: number, dx: number) => slice(framed, [0, 1 + dy, 1 + dx, 0], length.shape);
  const tops = (dy: number, dx: number) =>
    logicalAnd(greater(length, neighbour(dy, dx)), greaterEqual(length, neighbour(-dy, -dx)));
  const [gx, gy] = split(slopes, 2, 3) as [Tensor, Tensor];
  const slant = Math.tan(Math.PI / 8);
  const flat = lessEqual(abs(gy), mul(abs(gx), slant)); // within 22.5 degrees of the x axis
  const steep = lessEqual(abs(gx), mul(abs(gy), slant));
  const between = logicalNot(logicalOr(flat, steep));
  const falling = greater(mul(gx, gy), 0); // down to the right, or up to the left
  const along = [
    logicalAnd(flat, tops(0, 1)),
    logicalAnd(logicalAnd(steep, logicalNot(flat)), tops(1, 0)),
    logicalAnd(logicalAnd(between, falling), tops(1, 1)),
    logicalAnd(logicalAnd(between, logicalNot(falling)), tops(1, -1)),
  ];
  return along.reduce(logicalOr);
}

/** Cross-correlation with fixed filters, [size, size, 1, filters] row by row, without padding. */
function filtered(x: Tensor4D, values: readonly number[], filters: number): Tensor4D {
  const size = Math.sqrt(values.length / filters);
  const weight = tensor4d([...values], [size, size, 1, filters]);
  return conv2d(x, weightsOf(new Map([['weight', weight]])));
}

function gaussian(size: number, deviation: number): number[] {
  const line = Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((i - (size - 1) / 2) / deviation) ** 2));
  const total = line.reduce((a, b) => a + b);
  return line.flatMap((a) => line.map((b) => (a * b) / total ** 2));
}

/** x and y side by side for each of the nine pixels. */
const sobel = [-1, -1, 0, -2, 1, -1, -2, 0, 0, 0, 2, 0, -1, 1, 0, 2, 1, 1];
