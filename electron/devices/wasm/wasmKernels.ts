/**
 * What the WebAssembly backend lacks, gets wrong or does slowly, made of operations that it does well. Lacking: the
 * convolution's gradient with respect to its filter, and the sum over segments (the gradient of `gather`).
 */
import type { Kernel, Ops } from '../../../nodes/ml/nn/ops.ts';
import {
  add,
  backend_util,
  concat,
  conv2d,
  engine,
  matMul,
  oneHot,
  pad,
  reshape,
  reverse,
  slice,
  split,
  stack,
  stridedSlice,
  type Tensor,
  type Tensor3D,
  type Tensor4D,
  tidy,
  transpose,
} from '../../../nodes/ml/tf.ts';
import { registerKernels } from '../registerKernels.ts';

type WasmKernel<K extends keyof Ops> = Kernel<K, unknown>;

/** Call it once per process, before the backend starts. */
export function registerWasmKernels(): void {
  registerKernels('wasm', {
    Conv2DBackpropFilter: filterGradient,
    UnsortedSegmentSum: sumSegments,
    BatchMatMul: multiply,
    _FusedMatMul: multiplyFused,
    Conv2DBackpropInput: inputGradient,
  });
}

/** dL/dfilter[i, j] = (the pixels that met filter[i, j])^T dy, one matrix product for each place in the filter. */
const filterGradient: WasmKernel<'Conv2DBackpropFilter'> = (_, { x, dy }, attributes) => {
  const { strides, pad: padding, dimRoundingMode, filterShape } = attributes;
  const { padInfo, strideHeight, strideWidth, outHeight, outWidth, batchSize } = backend_util.computeConv2DInfo(
    x.shape,
    filterShape,
    strides,
    1,
    padding,
    dimRoundingMode,
  );
  const [rows, columns, from, to] = filterShape;
  return tidy(() => {
    const padded = pad(x, [
      [0, 0],
      [padInfo.top, padInfo.bottom],
      [padInfo.left, padInfo.right],
      [0, 0],
    ]);
    const dyRows = reshape(dy, [-1, to]); // [batch * outHeight * outWidth, to]
    const parts: Tensor[] = [];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const end = [batchSize, i + (outHeight - 1) * strideHeight + 1, j + (outWidth - 1) * strideWidth + 1, from];
        const met = stridedSlice(padded, [0, i, j, 0], end, [1, strideHeight, strideWidth, 1]);
        parts.push(matMul(reshape(met, [-1, from]), dyRows, true, false)); // [from, to]
      }
    }
    return reshape(stack(parts), filterShape);
  });
};

/** out[s] = sum of the rows whose segment is s, as a product with a one-hot matrix. */
const sumSegments: WasmKernel<'UnsortedSegmentSum'> = (_, { x, segmentIds }, { numSegments }) => {
  const rest = x.shape.slice(1);
  return tidy(() => {
    const rows = reshape(x, [x.shape[0] ?? 0, -1]);
    return reshape(matMul(oneHot(segmentIds, numSegments), rows, true, false), [numSegments, ...rest]);
  });
};

/**
 * The backend's fast path takes one product of two matrices as they lie; transposed or batched ones run about ten times
 * slower. So operands are transposed first and a batch goes through product by product.
 */
const multiply: WasmKernel<'BatchMatMul'> = (_, { a, b }, attributes, original) => {
  const { transposeA, transposeB } = attributes;
  const batch = (x: Tensor) => x.shape.slice(0, -2).reduce((n, length) => n * length, 1);
  const [batchA, batchB] = [batch(a), batch(b)];
  const plain = !transposeA && !transposeB && batchA === 1 && batchB === 1;
  if (plain || a.size + b.size < 2048 || (batchA !== batchB && batchB !== 1)) return original({ a, b }, attributes);
  return tidy(() => {
    const matrices = (x: Tensor, transposed: boolean, count: number): Tensor3D => {
      const lying = reshape(x, [count, x.shape.at(-2)!, x.shape.at(-1)!]) as Tensor3D;
      return transposed ? (transpose(lying, [0, 2, 1]) as Tensor3D) : lying;
    };
    const left = matrices(a, transposeA, batchA); // [batch, m, k]
    const right = matrices(b, transposeB, batchB); // [batch or 1, k, n]
    const product = (x: Tensor, y: Tensor): Tensor => {
      const plainly = { ...attributes, transposeA: false, transposeB: false };
      return engine().makeTensorFromTensorInfo(original({ a: x, b: y }, plainly));
    };
    const rights = batchB === 1 ? [] : split(right, batchB);
    const results =
      batchB === 1
        ? product(reshape(left, [1, -1, left.shape[2]]), right)
        : concat(split(left, batchA).map((x, i) => product(x, rights[i]!)));
    const outer = batchA === 1 ? b.shape.slice(0, -2) : a.shape.slice(0, -2);
    return reshape(results, [...outer, left.shape[1], right.shape[2]]);
  });
};

/** A convolution's gradient with respect to its input is a convolution of dy, spread out by the stride, with the flipped filter. */
const inputGradient: WasmKernel<'Conv2DBackpropInput'> = (_, inputs, attributes, original) => {
  const { dy, filter } = inputs;
  const { strides, pad: padding, dimRoundingMode, inputShape } = attributes;
  const conv = backend_util.computeConv2DInfo(inputShape, filter.shape, strides, 1, padding, dimRoundingMode);
  const vertical = edges(conv.inHeight, conv.filterHeight, conv.outHeight, conv.strideHeight, conv.padInfo.top);
  const horizontal = edges(conv.inWidth, conv.filterWidth, conv.outWidth, conv.strideWidth, conv.padInfo.left);
  if (Math.min(...vertical, ...horizontal) < 0) return original(inputs, attributes);
  return tidy(() => {
    const flipped = transpose(reverse(filter, [0, 1]), [0, 1, 3, 2]); // [kh, kw, out, in]
    const apart = spread(spread(dy, 1, conv.strideHeight), 2, conv.strideWidth);
    return conv2d(pad(apart, [[0, 0], vertical, horizontal, [0, 0]]) as Tensor4D, flipped as Tensor4D, 1, 'valid');
  });
};

/** Zeros around the spread-out dy along one axis that give a result of the input's length. */
function edges(input: number, filter: number, output: number, stride: number, padding: number): [number, number] {
  const before = filter - 1 - padding;
  return [before, input + filter - 1 - before - ((output - 1) * stride + 1)];
}

/** Puts stride - 1 zeros between neighbours along an axis. */
function spread(x: Tensor4D, axis: 1 | 2, stride: number): Tensor4D {
  if (stride === 1) return x;
  const [before, length, after] = [x.shape.slice(0, axis), x.shape[axis], x.shape.slice(axis + 1)];
  const rows = reshape(x, [-1, 1, after.reduce((n, size) => n * size, 1)]);
  const wide = reshape(
    pad(rows, [
      [0, 0],
      [0, stride - 1],
      [0, 0],
    ]),
    [...before, length * stride, ...after],
  );
  const size = [...before, (length - 1) * stride + 1, ...after];
  return slice(wide, [0, 0, 0, 0], size as [number, number, number, number]) as Tensor4D;
}

/** The fused kernel is wrong after the first product of a batch, and slow where the plain one above is fast. */
const multiplyFused: WasmKernel<'_FusedMatMul'> = (_, inputs, attributes, original) => {
  const { a, b, bias } = inputs;
  const { transposeA, transposeB, activation } = attributes;
  if (activation !== 'linear' && a.shape[0] === b.shape[0]) return original(inputs, attributes);
  if (activation !== 'linear') throw new Error(`A batch times one matrix cannot be fused with ${activation} on wasm.`);
  return tidy(() => {
    const product = matMul(a, b, transposeA, transposeB);
    return bias ? add(product, bias) : product;
  });
};
