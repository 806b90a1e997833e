import { matMul, reshape, type Tensor2D, type Tensor4D, tensor2d, tidy, transpose } from '../tf.ts';

/**
 * Two ways to be bicubic. `antialias` widens the kernel by the scale when shrinking, as Pillow and torch's
 * `antialias=True` do (Keys a = -0.5, weights renormalised at borders); `plain` always takes four neighbours (a = -0.75,
 * edges repeated), as torch does without it.
 */
export type BicubicKind = 'antialias' | 'plain';

/**
 * Resizes by two fixed matrices, columns first: differentiable like any matrix product. Values are not clamped.
 * pixels [N, H, W, C] -> [N, height, width, C]; the caller owns the result.
 * Source: torch.nn.functional.interpolate(mode='bicubic', align_corners=False).
 */
export function resizeBicubic(
  pixels: Tensor4D,
  height: number,
  width: number,
  kind: BicubicKind = 'antialias',
): Tensor4D {
  return resizeBy(pixels, height, width, (from, to) => bicubicMatrix(from, to, kind));
}

/**
 * Resizes with each new pixel between its two nearest old ones, along both axes; the same in every other way.
 * Source: torch.nn.functional.interpolate(mode='bilinear', align_corners=False), OpenCV's INTER_LINEAR.
 */
export function resizeBilinear(pixels: Tensor4D, height: number, width: number): Tensor4D {
  return resizeBy(pixels, height, width, bilinearMatrix);
}

function resizeBy(
  pixels: Tensor4D,
  height: number,
  width: number,
  matrix: (from: number, to: number) => Float32Array,
): Tensor4D {
  const [count, oldHeight, oldWidth, channels] = pixels.shape;
  return tidy(() => {
    const columns = tensor2d(matrix(oldWidth, width), [width, oldWidth]);
    const rows = tensor2d(matrix(oldHeight, height), [height, oldHeight]);
    const flat = reshape(transpose(pixels, [0, 3, 1, 2]), [-1, oldWidth]); // [N C H, W]
    const wide = reshape(matMul(flat, columns, false, true), [count, channels, oldHeight, width]);
    const transposed: Tensor2D = reshape(transpose(wide, [0, 1, 3, 2]), [-1, oldHeight]); // [N C width, H]
    const done = reshape(matMul(transposed, rows, false, true), [count, channels, width, height]);
    return transpose(done, [0, 3, 2, 1]) as Tensor4D; // [N, height, width, C]
  });
}

/**
 * Row i holds the weights of the `from` old pixels in new pixel i; rows sum to 1. Row-major [to, from].
 *
 * scale = from / to; pixel i's centre lies at (i + 1/2) scale; the kernel spans 2 max(scale, 1) to both sides.
 */
export function bicubicMatrix(from: number, to: number, kind: BicubicKind): Float32Array {
  const scale = from / to;
  const matrix = new Float32Array(from * to);
  for (let i = 0; i < to; i++) {
    const row = matrix.subarray(i * from, (i + 1) * from);
    const centre = (i + 0.5) * scale;
    if (kind === 'antialias') {
      const stretch = Math.max(scale, 1);
      const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
      const end = Math.min(from, Math.trunc(centre + 2 * stretch + 0.5));
      let sum = 0;
      for (let j = first; j < end; j++) sum += keysKernel((j + 0.5 - centre) / stretch, -0.5);
      for (let j = first; j < end; j++) row[j] = keysKernel((j + 0.5 - centre) / stretch, -0.5) / sum;
    } else {
      const first = Math.floor(centre - 0.5) - 1;
      for (let j = first; j < first + 4; j++) {
        const at = Math.min(Math.max(j, 0), from - 1);
        row[at] = row[at]! + keysKernel(j + 0.5 - centre, -0.75);
      }
    }
  }
  return matrix;
}

/** Likewise for two neighbours: pixel i's centre lies at (i + 1/2) from / to; edges are repeated. */
function bilinearMatrix(from: number, to: number): Float32Array {
  const matrix = new Float32Array(from * to);
  for (let i = 0; i < to; i++) {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const below = Math.floor(place);
    matrix[i * from + below] = 1 - (place - below);
    if (place > below) matrix[i * from + below + 1] = place - below;
  }
  return matrix;
}

/** Cubic convolution kernel, zero from |x| = 2. Source: Keys 1981, IEEE TASSP 29(6), eq. 15 with free a. */
function keysKernel(x: number, a: number): number {
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}
