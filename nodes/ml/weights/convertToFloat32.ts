import { engine, getBackend, getKernel, reshape, type Tensor, tensor1d, tidy, transpose } from '../tf.ts';

const KERNEL_NAME = 'NoiseloomToFloat32';

/** Whether the current device converts 16-bit floats itself, so that only half as many bytes are uploaded. */
export function canConvertOnDevice(): boolean {
  return getKernel(KERNEL_NAME, getBackend()) !== undefined;
}

/** Values of the smallest tensor that stays in 16 bits: all smaller ones together are a thousandth of a model. */
export const MIN_HALVES = 2 ** 16;

/** Whether the current device keeps a tensor of 16-bit floats as it is, so that a value takes 2 bytes of its memory. */
export function staysHalves(count: number): boolean {
  return getBackend() === 'webgpu' && count >= MIN_HALVES;
}

/**
 * float16 or bfloat16 bits -> a float32 tensor of `shape` and the same values, where `canConvertOnDevice()`. Rank-4
 * kernels are transposed to HWIO, see `loadWeights`. The caller owns the tensor.
 */
export function convertToFloat32(halves: Uint16Array, dtype: 'float16' | 'bfloat16', shape: readonly number[]): Tensor {
  const convert = (packed: Tensor, taps: number): Tensor => {
    const attributes = { count: halves.length, bfloat16: dtype === 'bfloat16', taps };
    const [result] = engine().runKernel<Tensor[]>(KERNEL_NAME, { halves: packed }, attributes);
    return result as Tensor;
  };
  return tidy(() => {
    const packed = tensor1d(pairs(halves)); // as floats, because native kernels take nothing else
    if (shape.length !== 4) return reshape(convert(packed, 0), [...shape]);
    const [outputs, inputs, height, width] = shape as [number, number, number, number];
    if (halves.length === 0 || halves.length % (2 * outputs) !== 0)
      return transpose(reshape(convert(packed, 0), [outputs, inputs, height, width]), [2, 3, 1, 0]);
    const transposed = convert(reshape(packed, [outputs, -1]), height * width); // [taps, inputs, outputs]
    return reshape(transposed, [height, width, inputs, outputs]);
  });
}

/** Packs two 16-bit values into the bits of each float. */
function pairs(halves: Uint16Array): Float32Array {
  const isWhole = halves.length % 2 === 0 && halves.byteOffset % 4 === 0;
  const even = isWhole ? halves : new Uint16Array(2 * Math.ceil(halves.length / 2));
  if (!isWhole) even.set(halves);
  return new Float32Array(even.buffer, even.byteOffset, even.length / 2);
}
