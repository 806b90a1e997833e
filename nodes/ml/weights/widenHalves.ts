import { engine, getBackend, getKernel, reshape, type Tensor, tensor1d, tidy, transpose } from '../tf.ts';

const kernelName = 'NoiseloomWiden';

/** Whether the present device widens 16-bit floats by itself: then half as many bytes go to it. */
export function deviceWidens(): boolean {
  return getKernel(kernelName, getBackend()) !== undefined;
}

/**
 * float16 or bfloat16 bits -> a float32 tensor of `shape` and the same values, on a device that `deviceWidens`. Rank-4
 * kernels are turned as `loadWeights` says. The caller owns the tensor.
 */
export function widenHalves(halves: Uint16Array, dtype: 'float16' | 'bfloat16', shape: readonly number[]): Tensor {
  const widened = (packed: Tensor, taps: number): Tensor => {
    const attributes = { count: halves.length, bfloat16: dtype === 'bfloat16', taps };
    const [result] = engine().runKernel<Tensor[]>(kernelName, { halves: packed }, attributes);
    return result as Tensor;
  };
  return tidy(() => {
    const packed = tensor1d(pairs(halves)); // as floats, since all that native layers take are floats
    if (shape.length !== 4) return reshape(widened(packed, 0), [...shape]);
    const [outputs, inputs, height, width] = shape as [number, number, number, number];
    if (halves.length === 0 || halves.length % (2 * outputs) !== 0)
      return transpose(reshape(widened(packed, 0), [outputs, inputs, height, width]), [2, 3, 1, 0]);
    const turned = widened(reshape(packed, [outputs, -1]), height * width); // [taps, inputs, outputs]
    return reshape(turned, [height, width, inputs, outputs]);
  });
}

/** Two halves as the bits of each float. */
function pairs(halves: Uint16Array): Float32Array {
  const isWhole = halves.length % 2 === 0 && halves.byteOffset % 4 === 0;
  const even = isWhole ? halves : new Uint16Array(2 * Math.ceil(halves.length / 2));
  if (!isWhole) even.set(halves);
  return new Float32Array(even.buffer, even.byteOffset, even.length / 2);
}
