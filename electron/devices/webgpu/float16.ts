/**
 * Weights stored in 16 bits stay so in the graphics card's memory, where they take half the space. To the rest of the program
 * they are float32 tensors like all others: a kernel that reads one gets a float32 copy, which is freed when the kernel has
 * run. This does not need `shader-f16`: the bits are converted to those of float32.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { Kernel } from '../../../nodes/ml/nn/ops.ts';
import type { DataId, TensorInfo } from '../../../nodes/ml/tf.ts';
import { MIN_HALVES } from '../../../nodes/ml/weights/convertToFloat32.ts';
import { countElements, dispatch } from './dispatch.ts';

/** What the 32-bit words of a tensor hold, two values in each. */
interface Halves {
  readonly count: number;
  readonly bfloat16: boolean;
}

/** Tensors that are stored as halves. */
const stored = new WeakMap<DataId, Halves>();
/** Handles through which a kernel reads the words themselves. */
const asWords = new WeakSet<TensorInfo>();
const converting = new WeakSet<WebGPUBackend>();
/** Bytes of float32 copies that may wait for the graphics card at once. */
const MAX_WAITING = 2 ** 26;
const THREADS = 64;

export const toFloat32: Kernel<'NoiseloomToFloat32', WebGPUBackend> = (
  backend,
  { halves },
  { count, bfloat16, taps },
) => {
  const outputs = halves.shape[0]!;
  const values = backend.readSync(halves.dataId) as Float32Array; // the tensor has just been made, so this does not wait
  const words = upload(backend, new Int32Array(values.buffer, values.byteOffset, values.length));
  const transposed = taps > 0 ? transposeKernels(backend, words, count, outputs, taps) : words;
  if (transposed !== words) backend.disposeData(words.dataId);
  const shape = taps > 0 ? [taps, count / (outputs * taps), outputs] : [count];
  if (count >= MIN_HALVES) {
    stored.set(transposed.dataId, { count, bfloat16 });
    convertOnRead(backend);
    return [{ dataId: transposed.dataId, shape, dtype: 'float32' }];
  }
  const converted = convert(backend, transposed, { count, bfloat16 }, shape);
  backend.disposeData(transposed.dataId);
  return [converted];
};

/** Uploads words at once, because their memory is reused. */
function upload(backend: WebGPUBackend, words: Int32Array): TensorInfo {
  const info = backend.makeTensorInfo([words.length], 'int32', words);
  backend.uploadToGPU(info.dataId);
  return info;
}

/** Makes kernels and readers of `stored` tensors see float32 values. */
function convertOnRead(backend: WebGPUBackend): void {
  if (converting.has(backend)) return;
  converting.add(backend);
  const { runWebGPUProgram, read, readSync } = backend;
  let waiting = 0;
  const makeCopy = (dataId: DataId, shape?: readonly number[]): TensorInfo | undefined => {
    const halves = stored.get(dataId);
    if (!halves) return undefined;
    const words: TensorInfo = { dataId, shape: [Math.ceil(halves.count / 2)], dtype: 'int32' };
    asWords.add(words);
    return convert(backend, words, halves, shape ?? [halves.count]);
  };
  backend.runWebGPUProgram = (program, inputs, ...rest) => {
    const copies = inputs.map((input) => (asWords.has(input) ? undefined : makeCopy(input.dataId, input.shape)));
    const result = runWebGPUProgram.call(
      backend,
      program,
      inputs.map((input, i) => copies[i] ?? input),
      ...rest,
    );
    for (const copy of copies) {
      if (!copy) continue;
      backend.disposeData(copy.dataId);
      waiting += 4 * countElements(copy.shape);
    }
    if (waiting > MAX_WAITING) {
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      backend.submitQueue();
      waiting = 0;
    }
    return result;
  };
  const readCopy =
    <Values>(readValues: (dataId: DataId) => Values) =>
    (dataId: DataId): Values => {
      const copy = makeCopy(dataId);
      const values = readValues.call(backend, copy?.dataId ?? dataId);
      const free = () => void (copy && backend.disposeData(copy.dataId));
      if (values instanceof Promise) values.then(free, free);
      else free();
      return values;
    };
  backend.read = readCopy(read);
  backend.readSync = readCopy(readSync);
}

/** WGSL that converts the bits of one value. */
const conversions = `
fn convertFloat16(half: u32) -> f32 {
  let magnitude = half & 0x7fffu;
  let normal = (magnitude << 13u) + select(112u << 23u, 224u << 23u, magnitude >= 0x7c00u);
  let small = bitcast<u32>(f32(magnitude) * 5.9604645e-8); // multiples of 2^-24
  return bitcast<f32>(select(normal, small, magnitude < 0x400u) | ((half & 0x8000u) << 16u));
}
fn convertBfloat16(half: u32) -> f32 { return bitcast<f32>(half << 16u); }`;

/** Words [ceil(count / 2)] -> float32 of a shape */
function convert(
  backend: WebGPUBackend,
  words: TensorInfo,
  { count, bfloat16 }: Halves,
  shape: readonly number[],
): TensorInfo {
  const conversion = bfloat16 ? 'convertBfloat16' : 'convertFloat16';
  const [result] = dispatch(backend, {
    name: `ToFloat32 ${conversion}`,
    inputs: { words },
    outputs: { result: shape },
    integers: { count },
    workgroups: Math.ceil(count / 2 / THREADS),
    threads: THREADS,
    code: `${conversions}
      fn run(i: i32) {
        if (2 * i >= uniforms.count) { return; }
        let word = bitcast<u32>(words[i]);
        result[2 * i] = ${conversion}(word & 0xffffu);
        if (2 * i + 1 < uniforms.count) { result[2 * i + 1] = ${conversion}(word >> 16u); }
      }`,
  });
  return result!;
}

/** Transposes halves of kernels [outputs, inputs, taps] to [taps, inputs, outputs], still two in a word. */
function transposeKernels(
  backend: WebGPUBackend,
  words: TensorInfo,
  count: number,
  outputs: number,
  taps: number,
): TensorInfo {
  const [result] = dispatch(backend, {
    name: 'TransposeKernels',
    inputs: { words },
    outputs: { result: [Math.ceil(count / 2)] },
    dtype: 'int32',
    integers: { count, outputs, taps, inputs: count / (outputs * taps) },
    workgroups: Math.ceil(count / 2 / THREADS),
    threads: THREADS,
    code: `
      fn half(to: i32) -> u32 {
        if (to >= uniforms.count) { return 0u; }
        let input = to / uniforms.outputs % uniforms.inputs;
        let tap = to / uniforms.outputs / uniforms.inputs;
        let source = (to % uniforms.outputs * uniforms.inputs + input) * uniforms.taps + tap;
        return (bitcast<u32>(words[source / 2]) >> (16u * u32(source % 2))) & 0xffffu;
      }
      fn run(i: i32) {
        if (2 * i < uniforms.count) { result[i] = bitcast<i32>(half(2 * i) | (half(2 * i + 1) << 16u)); }
      }`,
  });
  return result!;
}
