import type { WebGPUBackend, WebGPUProgram } from '@tensorflow/tfjs-backend-webgpu';
import type { TensorInfo } from '../../../nodes/ml/tf.ts';

/** One run of a kernel of our own on the graphics card. All tensors are in rows, and float32 where nothing else is said. */
export interface Dispatch {
  /** Unique among kernels; the text of `code` may depend on nothing but this and `threads`. */
  readonly name: string;
  /** By the names under which `code` reads them, each an `array<f32>` or, of integers, an `array<i32>`. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** Shapes, by the names under which `code` writes them; the first is called `result`. At most eight buffers in all. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Of the first output. */
  readonly dtype?: 'float32' | 'int32';
  /** Numbers that `code` reads as `uniforms.NAME`. */
  readonly integers?: Readonly<Record<string, number>>;
  readonly reals?: Readonly<Record<string, number>>;
  /** Workgroups that are needed; a few more may run, as a device takes only so many along one axis. */
  readonly workgroups: number;
  /** Threads of a workgroup. */
  readonly threads: number;
  /** WGSL with a function `run(index: i32)` of the thread's number among all; its number in the workgroup is `localIndex`. */
  readonly code: string;
}

/**
 * Runs a kernel and returns its outputs in order. TensorFlow.js gives a program one output; the others go in as inputs that
 * the kernel does not read, and it declares their bindings once more, to be written.
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

/** WGSL of `joined(own)`: the sums of both numbers over the threads of a workgroup, which all have to call it. */
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

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
