import type { WebGPUBackend, WebGPUProgram } from '@tensorflow/tfjs-backend-webgpu';
import type { TensorInfo } from '../../../nodes/ml/tf.ts';

/** One run of a WGSL kernel. All tensors are row-major, and float32 unless `dtype` says otherwise. */
export interface Dispatch {
  /** Unique among kernels: compiled code is cached by it, so `code` must depend on nothing but this and `threads`. */
  readonly name: string;
  /** By the names under which `code` reads them, each an `array<f32>` or, for integers, an `array<i32>`. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** Shapes, by the names under which `code` writes them; the first is called `result`. At most eight buffers in all. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Of the first output. */
  readonly dtype?: 'float32' | 'int32';
  /** Numbers that `code` reads as `uniforms.NAME`. */
  readonly integers?: Readonly<Record<string, number>>;
  readonly reals?: Readonly<Record<string, number>>;
  /** Workgroups needed; a few more may run where there are more than a device takes along one axis. */
  readonly workgroups: number;
  /** Threads per workgroup. */
  readonly threads: number;
  /** WGSL with a function `run(index: i32)` of the thread's global index; its index in the workgroup is `localIndex`. */
  readonly code: string;
}

/**
 * Runs a kernel and returns its outputs in order; the caller owns them. TensorFlow.js allows a program one output. Further
 * ones are passed as inputs that the kernel does not read, and are bound a second time to be written.
 */
export function dispatch(backend: WebGPUBackend, call: Dispatch): TensorInfo[] {
  const { name, inputs, outputs, dtype = 'float32', integers = {}, reals = {}, workgroups, threads, code } = call;
  const [[, shape], ...more] = Object.entries(outputs) as [[string, number[]], ...[string, number[]][]];
  const others = more.map(([, each]) => backend.makeTensorInfo(each, 'float32'));
  const written = more.map(
    ([output], i) =>
      `@group(0) @binding(${1 + Object.keys(inputs).length + i}) var<storage, read_write> ${output}: array<f32>;`,
  );
  const used = [...Object.keys(inputs), ...more.map(([output]) => output)].map((each) => `_ = &${each};`).join(' ');
  const main = `fn main(index: i32) { ${used} _ = uniforms.NAN; run(index); }`; // a buffer that is not used cannot be bound
  const program: WebGPUProgram = {
    shaderKey: name,
    variableNames: [...Object.keys(inputs), ...more.map(([output]) => `${output}Buffer`)],
    outputShape: [...shape],
    dispatchLayout: { x: shape.map((_, axis) => axis) },
    dispatch: [workgroups, 1, 1],
    workgroupSize: [threads, 1, 1],
    uniforms: [
      ...Object.keys(integers).map((each) => `${each}: i32, `),
      ...Object.keys(reals).map((each) => `${each}: f32, `),
    ].join(''),
    getUserCode: () => [...written, code, main].join('\n'),
  };
  const result = backend.runWebGPUProgram(program, [...Object.values(inputs), ...others], dtype, [
    ...Object.values(integers).map((value) => ({ type: 'int32', data: [value] })),
    ...Object.values(reals).map((value) => ({ type: 'float32', data: [value] })),
  ]);
  return [result, ...others];
}

/** WGSL of `joined(own)`: both sums over all threads of a workgroup, each of which must call it. */
export const workgroupSum = (threads: number): string => `
var<workgroup> partial: array<vec2f, ${threads}>;
fn joined(own: vec2f) -> vec2f {
  workgroupBarrier(); // the last sum has been read
  partial[localIndex] = own;
  for (var half = ${threads / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (localIndex < half) { partial[localIndex] += partial[localIndex + half]; }
  }
  workgroupBarrier();
  return partial[0];
}`;

export const countElements = (shape: readonly number[]): number =>
  shape.reduce((product, length) => product * length, 1);
