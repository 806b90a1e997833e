import {
  add,
  div,
  matMul,
  mul,
  ones,
  reshape,
  sqrt,
  square,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor2d,
  tidy,
  transpose,
} from '../tf.ts';

/** Frequencies of an axis whose powers count together. */
const BLOCK = 4;

/**
 * The nearest noise whose spectrum is flat as that of white noise: in each channel, the frequencies fall into blocks, and the
 * coefficients of each are scaled to a mean power of 1. noise [N, h, w, c] -> the same shape; the caller owns it.
 * Source: after arXiv 2602.08646, whose feasible set has blockwise norms of the spectrum; by the real Fourier (Hartley)
 * transform, in which the power of +f and -f together is that of the complex one
 *
 * | here     |                                                                          |
 * |----------|--------------------------------------------------------------------------|
 * | y        | H_h x H_w, H_n [n, n] = (cos + sin)(2 pi i j / n) / sqrt(n), which is its own inverse |
 * | block    | of coefficient i: min(floor(f / 4), last), f = min(i, n - i)              |
 * | power    | sum of y^2 over the block, divided by how many there are                   |
 */
export function toWhiteSpectrum(noise: Tensor): Tensor {
  return tidy(() => {
    const [n, h, w, c] = noise.shape as [number, number, number, number];
    const planes: Tensor3D = reshape(transpose(noise as Tensor4D, [0, 3, 1, 2]), [n * c, h, w]);
    const [hartley, blocks] = [
      [h, w].map(hartleyMatrix),
      [h, w].map(blockMatrix), // [n, blocks], 1 where a coefficient is of a block
    ] as [[Tensor2D, Tensor2D], [Tensor2D, Tensor2D]];
    const y = alongBoth(planes, ...hartley);
    const power = alongBoth(square(y), ...blocks);
    const counts = alongBoth(ones(y.shape), ...blocks);
    const scale = sqrt(div(counts, add(power, TINY)));
    const [back, across] = blocks.map((each) => transpose(each)) as [Tensor2D, Tensor2D];
    const flat = alongBoth(mul(y, alongBoth(scale as Tensor3D, back, across)), ...hartley);
    return transpose(reshape(flat, [n, c, h, w]), [0, 2, 3, 1]);
  });
}
/** So that noise of zeros stays so. */
const TINY = 1e-12;

/** x [R, a, b] with matrices [a, a'] and [b, b'] along its last axes -> [R, a', b']. */
function alongBoth(x: Tensor3D, ofRows: Tensor2D, ofColumns: Tensor2D): Tensor3D {
  const columns = alongLast(x, ofColumns);
  return transpose(alongLast(transpose(columns, [0, 2, 1]), ofRows), [0, 2, 1]);
}

function alongLast(x: Tensor3D, matrix: Tensor2D): Tensor3D {
  const [r, a, b] = x.shape;
  return reshape(matMul(reshape(x, [r * a, b]), matrix), [r, a, matrix.shape[1]]);
}

function hartleyMatrix(n: number): Tensor2D {
  const values = Float32Array.from({ length: n * n }, (_, index) => {
    const angle = (2 * Math.PI * ((Math.floor(index / n) * (index % n)) % n)) / n;
    return (Math.cos(angle) + Math.sin(angle)) / Math.sqrt(n);
  });
  return tensor2d(values, [n, n]);
}

function blockMatrix(n: number): Tensor2D {
  const count = Math.max(1, Math.floor((Math.floor(n / 2) + 1) / BLOCK));
  const values = new Float32Array(n * count);
  for (let i = 0; i < n; i++) {
    const frequency = Math.min(i, n - i);
    values[i * count + Math.min(Math.floor(frequency / BLOCK), count - 1)] = 1;
  }
  return tensor2d(values, [n, count]);
}
