import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { Kernel, Ops, Results } from '../../../nodes/ml/nn/ops.ts';
import type { TensorInfo } from '../../../nodes/ml/tf.ts';
import { countElements, dispatch } from './dispatch.ts';

/** WGSL of x sigmoid(c x) and its derivative. */
export const swish = `
fn sigmoid(x: f32) -> f32 { return 1 / (1 + exp(-x)); }
fn swish(x: f32, c: f32) -> f32 { return x * sigmoid(c * x); }
fn swishDerivative(x: f32, c: f32) -> f32 {
  let s = sigmoid(c * x);
  return s + c * x * s * (1 - s);
}`;

/** WGSL of x Phi(x) and its derivative. Phi to 1e-7 by Abramowitz and Stegun 7.1.26 */
const gelu = `
fn normalCdf(x: f32) -> f32 {
  let t = 1 / (1 + 0.3275911 * 0.70710678 * abs(x));
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * series * exp(-0.5 * x * x);
  return select(1 - tail, tail, x < 0);
}
fn gelu(x: f32) -> f32 { return x * normalCdf(x); }
fn geluDerivative(x: f32) -> f32 { return normalCdf(x) + x * exp(-0.5 * x * x) * 0.39894228; }`;

const THREADS = 256;

/** Computes a tensor of a shape; `write` is WGSL that writes the element at index `i`. */
function runElementwise(
  backend: WebGPUBackend,
  name: string,
  inputs: Readonly<Record<string, TensorInfo>>,
  shape: readonly number[],
  write: string,
): [TensorInfo] {
  const size = countElements(shape);
  const [result] = dispatch(backend, {
    name,
    inputs,
    outputs: { result: shape },
    integers: { size, width: shape.at(-1) ?? 1 },
    workgroups: Math.ceil(size / THREADS),
    threads: THREADS,
    code: `${swish}${gelu}
      fn run(i: i32) {
        if (i < uniforms.size) { ${write} }
      }`,
  });
  return [result!];
}

/** Makes a kernel of y = f(x), `f` an expression of x in WGSL. */
export const defineActivation =
  (name: string, f: string) =>
  (backend: WebGPUBackend, { x }: Ops['NoiseloomSilu']['inputs']): Results<'NoiseloomSilu'> =>
    runElementwise(backend, name, { values: x }, x.shape, `let x = values[i]; result[i] = ${f};`);

/** Makes a kernel of dx = dy f'(x), `derivative` an expression of x in WGSL. */
export const defineActivationGradient =
  (name: string, derivative: string) =>
  (backend: WebGPUBackend, { dy, x }: Ops['NoiseloomSiluGradient']['inputs']): Results<'NoiseloomSiluGradient'> =>
    runElementwise(
      backend,
      name,
      { dy, values: x },
      x.shape,
      `let x = values[i]; result[i] = dy[i] * (${derivative});`,
    );

/** First half of the last axis times GELU of the second. */
export const geglu: Kernel<'NoiseloomGeglu', WebGPUBackend> = (backend, { x }) => {
  const shape = [...x.shape.slice(0, -1), x.shape.at(-1)! / 2];
  return runElementwise(
    backend,
    'Geglu',
    { x },
    shape,
    `
    let value = i / uniforms.width * 2 * uniforms.width + i % uniforms.width;
    result[i] = x[value] * gelu(x[value + uniforms.width]);`,
  );
};

export const gegluGradient: Kernel<'NoiseloomGegluGradient', WebGPUBackend> = (backend, { dy, x }) =>
  runElementwise(
    backend,
    'GegluGradient',
    { dy, x },
    x.shape,
    `
    let half = uniforms.width / 2;
    let row = i / uniforms.width;
    let column = i % half;
    let d = dy[row * half + column];
    let gate = x[row * uniforms.width + half + column];
    if (i % uniforms.width < half) { result[i] = d * gelu(gate); }
    else { result[i] = d * x[row * uniforms.width + column] * geluDerivative(gate); }`,
  );
