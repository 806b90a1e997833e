/**
 * Weights that come in 16 bits stay so in the graphics card's memory, which is half of it. For the rest of the
 * program they are float32 tensors like all others: a kernel that reads one is given a widened copy, which is free again when
 * the kernel has run. Needs no `shader-f16`: the bits are turned into those of float32.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { DataId, TensorInfo } from '../../../nodes/ml/tf.ts';
import { dispatch, sizeOf } from './dispatch.ts';

/** What lies in the words of a tensor, two numbers in each. */
interface Halves {
  readonly count: number;
  readonly bfloat16: boolean;
}

/** Those that are kept as halves; all others are what they seem. */
const kept = new WeakMap<DataId, Halves>();
/** Names of those under which a kernel reads the words themselves. */
const asWords = new WeakSet<TensorInfo>();
const keeping = new WeakSet<WebGPUBackend>();
/** Numbers from which a tensor is kept as halves: the many small ones are a thousandth of a model. */
const leastKept = 2 ** 16;
/** Bytes of widened copies that may wait for the graphics card at once. */
const mostWaiting = 2 ** 26;
const threads = 64;

interface Attributes {
  readonly count: number;
  readonly bfloat16: boolean;
  /** Taps of kernels [outputs, inputs, taps], which become [taps, inputs, outputs]; 0: there are none. */
  readonly taps: number;
}

/** `convertToFloat32` of nodes/ml/weights/: bits in pairs, as floats [..] -> float32 of the same values. */
export function widen(
  backend: WebGPUBackend,
  { halves }: { readonly halves: TensorInfo },
  { count, bfloat16, taps }: Attributes,
): TensorInfo[] {
  const outputs = halves.shape[0] as number;
  const values = backend.readSync(halves.dataId) as Float32Array; // it has just been made, so this is no wait
  const words = upload(backend, new Int32Array(values.buffer, values.byteOffset, values.length));
  const turned = taps > 0 ? turn(backend, words, count, outputs, taps) : words;
  if (turned !== words) backend.disposeData(words.dataId);
  const shape = taps > 0 ? [taps, count / (outputs * taps), outputs] : [count];
  if (count >= leastKept) {
    kept.set(turned.dataId, { count, bfloat16 });
    keepHalves(backend);
    return [{ dataId: turned.dataId, shape, dtype: 'float32' }];
  }
  const wide = widened(backend, turned, { count, bfloat16 }, shape);
  backend.disposeData(turned.dataId);
  return [wide];
}

/** Copies words to the graphics card at once, since their memory is used again. */
function upload(backend: WebGPUBackend, words: Int32Array): TensorInfo {
  const info = backend.makeTensorInfo([words.length], 'int32', words);
  backend.uploadToGPU(info.dataId);
  return info;
}

/** Gives kernels and readers of `kept` tensors what these stand for. */
function keepHalves(backend: WebGPUBackend): void {
  if (keeping.has(backend)) return;
  keeping.add(backend);
  const { runWebGPUProgram, read, readSync } = backend;
  let waiting = 0;
  const copyOf = (dataId: DataId, shape?: readonly number[]): TensorInfo | undefined => {
    const halves = kept.get(dataId);
    if (!halves) return undefined;
    const words: TensorInfo = { dataId, shape: [Math.ceil(halves.count / 2)], dtype: 'int32' };
    asWords.add(words);
    return widened(backend, words, halves, shape ?? [halves.count]);
  };
  backend.runWebGPUProgram = (program, inputs, ...rest) => {
    const copies = inputs.map((input) => (asWords.has(input) ? undefined : copyOf(input.dataId, input.shape)));
    const result = runWebGPUProgram.call(
      backend,
      program,
      inputs.map((input, i) => copies[i] ?? input),
      ...rest,
    );
    for (const copy of copies) {
      if (!copy) continue;
      backend.disposeData(copy.dataId);
      waiting += 4 * sizeOf(copy.shape);
    }
    if (waiting > mostWaiting) {
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      backend.submitQueue();
      waiting = 0;
    }
    return result;
  };
  backend.read = async (dataId) => {
    const copy = copyOf(dataId);
    const values = await read.call(backend, copy?.dataId ?? dataId);
    if (copy) backend.disposeData(copy.dataId);
    return values;
  };
  backend.readSync = (dataId) => {
    const copy = copyOf(dataId);
    const values = readSync.call(backend, copy?.dataId ?? dataId);
    if (copy) backend.disposeData(copy.dataId);
    return values;
  };
}

/** WGSL of the numbers that bits stand for. */
const numbers = `
fn ofFloat16(half: u32) -> f32 {
  let magnitude = half & 0x7fffu;
  let normal = (magnitude << 13u) + select(112u << 23u, 224u << 23u, magnitude >= 0x7c00u);
  let small = bitcast<u32>(f32(magnitude) * 5.9604645e-8); // multiples of 2^-24
  return bitcast<f32>(select(normal, small, magnitude < 0x400u) | ((half & 0x8000u) << 16u));
}
fn ofBfloat16(half: u32) -> f32 { return bitcast<f32>(half << 16u); }`;

/** Words [ceil(count / 2)] -> float32 of a shape */
function widened(
  backend: WebGPUBackend,
  words: TensorInfo,
  { count, bfloat16 }: Halves,
  shape: readonly number[],
): TensorInfo {
  const number = bfloat16 ? 'ofBfloat16' : 'ofFloat16';
  const [result] = dispatch(backend, {
    name: `Widen ${number}`,
    inputs: { words },
    outputs: { result: shape },
    integers: { count },
    workgroups: Math.ceil(count / 2 / threads),
    threads,
    code: `${numbers}
      fn run(i: i32) {
        if (2 * i >= uniforms.count) { return; }
        let word = bitcast<u32>(words[i]);
        result[2 * i] = ${number}(word & 0xffffu);
        if (2 * i + 1 < uniforms.count) { result[2 * i + 1] = ${number}(word >> 16u); }
      }`,
  });
  return result as TensorInfo;
}

/** Halves of kernels [outputs, inputs, taps] -> [taps, inputs, outputs], still two in a word */
function turn(backend: WebGPUBackend, words: TensorInfo, count: number, outputs: number, taps: number): TensorInfo {
  const [result] = dispatch(backend, {
    name: 'TurnHalves',
    inputs: { words },
    outputs: { result: [Math.ceil(count / 2)] },
    dtype: 'int32',
    integers: { count, outputs, taps, inputs: count / (outputs * taps) },
    workgroups: Math.ceil(count / 2 / threads),
    threads,
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
  return result as TensorInfo;
}
