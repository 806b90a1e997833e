import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { TensorInfo } from '../../../nodes/ml/tf.ts';
import { dispatch, sizeOf } from './dispatch.ts';

/** WGSL of x sigmoid(c x) and its slope. */
export const swish = `
fn sigmoid(x: f32) -> f32 { return 1 / (1 + exp(-x)); }
fn swish(x: f32, c: f32) -> f32 { return x * sigmoid(c * x); }
fn swishSlope(x: f32, c: f32) -> f32 {
  let s = sigmoid(c * x);
  return s + c * x * s * (1 - s);
}`;

/** WGSL of x Phi(x) and its slope. Phi to 1e-7 by Abramowitz and Stegun 7.1.26 */
const gelu = `
fn cumulative(x: f32) -> f32 {
  let t = 1 / (1 + 0.3275911 * 0.70710678 * abs(x));
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * series * exp(-0.5 * x * x);
  return select(1 - tail, tail, x < 0);
}
fn gelu(x: f32) -> f32 { return x * cumulative(x); }
fn geluSlope(x: f32) -> f32 { return cumulative(x) + x * exp(-0.5 * x * x) * 0.39894228; }`;

const threads = 256;

/** A kernel that writes `size` values, each by `write` in WGSL, which knows its number `i`. */
function elementwise(
  backend: WebGPUBackend,
  name: string,
  inputs: Readonly<Record<string, TensorInfo>>,
  shape: readonly number[],
  write: string,
): TensorInfo[] {
  const size = sizeOf(shape);
  return dispatch(backend, {
    name,
    inputs,
    outputs: { result: shape },
    integers: { size, width: shape.at(-1) ?? 1 },
    workgroups: Math.ceil(size / threads),
    threads,
    code: `${swish}${gelu}
      fn run(i: i32) {
        if (i < uniforms.size) { ${write} }
      }`,
  });
}

/** y = f(x), `f` an expression of x in WGSL. */
export const activation =
  (name: string, f: string) =>
  (backend: WebGPUBackend, { x }: Readonly<Record<'x', TensorInfo>>) =>
    elementwise(backend, name, { values: x }, x.shape, `let x = values[i]; result[i] = ${f};`);

/** dx = dy f'(x), `slope` an expression of x in WGSL. */
export const activationGradient =
  (name: string, slope: string) =>
  (backend: WebGPUBackend, { dy, x }: Readonly<Record<'dy' | 'x', TensorInfo>>) =>
    elementwise(backend, name, { dy, values: x }, x.shape, `let x = values[i]; result[i] = dy[i] * (${slope});`);

/** First half of the last axis times GELU of the second. */
export function geglu(backend: WebGPUBackend, { x }: Readonly<Record<'x', TensorInfo>>): TensorInfo[] {
  const shape = [...x.shape.slice(0, -1), (x.shape.at(-1) as number) / 2];
  return elementwise(
    backend,
    'Geglu',
    { x },
    shape,
    `
    let value = i / uniforms.width * 2 * uniforms.width + i % uniforms.width;
    result[i] = x[value] * gelu(x[value + uniforms.width]);`,
  );
}

export function gegluGradient(
  backend: WebGPUBackend,
  { dy, x }: Readonly<Record<'dy' | 'x', TensorInfo>>,
): TensorInfo[] {
  return elementwise(
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
    else { result[i] = d * x[row * uniforms.width + column] * geluSlope(gate); }`,
  );
}
