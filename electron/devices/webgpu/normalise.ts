import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { GroupNormAttributes, Ops, Results } from '../../../nodes/ml/nn/ops.ts';
import type { Tensor4D, TensorInfo } from '../../../nodes/ml/tf.ts';
import { swish } from './activations.ts';
import { countElements, type Dispatch, dispatch, workgroupSum } from './dispatch.ts';

/** x as [images, pixels, channels]; a row of a layer normalisation is an image of one pixel and one group. */
interface View {
  readonly images: number;
  readonly pixels: number;
  readonly channels: number;
  readonly groups: number;
}

/** Group normalisation as in nodes/ml/nn/groupNorm.ts, with the same inputs and results: [y, m, r]. */
export function groupNorm(
  backend: WebGPUBackend,
  inputs: Ops['NoiseloomGroupNorm']['inputs'],
  { groups, eps, activation }: GroupNormAttributes,
): Results<'NoiseloomGroupNorm'> {
  const { shape } = inputs.x;
  const perChannel = [shape[0], 1, 1, shape[3]];
  const outputs = { result: shape, m: perChannel, r: perChannel };
  const pass = forward(activation === 'silu');
  const results = run(backend, pass, { inputs, outputs, reals: { eps } }, imageView(shape, groups));
  return results as Results<'NoiseloomGroupNorm'>;
}

/** [dx] */
export function groupNormGradient(
  backend: WebGPUBackend,
  inputs: Ops['NoiseloomGroupNormGradient']['inputs'],
  { groups, activation }: GroupNormAttributes,
): Results<'NoiseloomGroupNormGradient'> {
  const { shape } = inputs.x;
  const pass = backward(activation === 'silu');
  const [dx] = run(backend, pass, { inputs, outputs: { result: shape } }, imageView(shape, groups));
  return [dx!];
}

/** Layer normalisation as in nodes/ml/nn/layerNorm.ts: [y, m, r]. */
export function layerNorm(
  backend: WebGPUBackend,
  inputs: Ops['NoiseloomLayerNorm']['inputs'],
  { eps }: Ops['NoiseloomLayerNorm']['attributes'],
): Results<'NoiseloomLayerNorm'> {
  const { shape } = inputs.x;
  const perRow = [...shape.slice(0, -1), 1];
  const outputs = { result: shape, m: perRow, r: perRow };
  const results = run(backend, forward(false), { inputs, outputs, reals: { eps } }, rowView(shape));
  return results as Results<'NoiseloomLayerNorm'>;
}

/** [dx] */
export function layerNormGradient(
  backend: WebGPUBackend,
  inputs: Ops['NoiseloomLayerNormGradient']['inputs'],
): Results<'NoiseloomLayerNormGradient'> {
  const { shape } = inputs.x;
  const [dx] = run(backend, backward(false), { inputs, outputs: { result: shape } }, rowView(shape));
  return [dx!];
}

function imageView([images, height, width, channels]: Tensor4D['shape'], groups: number): View {
  return { images, pixels: height * width, channels, groups };
}

function rowView(shape: number[]): View {
  const channels = shape.at(-1)!;
  return { images: countElements(shape.slice(0, -1)), pixels: 1, channels, groups: 1 };
}

/** One workgroup does a whole group up to this many values; beyond, too much of the graphics card would be idle. */
const MAX_GROUP_OF_ONE_WORKGROUP = 2 ** 16;

/**
 * What a workgroup does with its part of a group (some of its pixels), in WGSL. It can read the number of `elements` in the
 * part, the index of each in x, `at(e)`, and its channel, `channelOf(e)`, and the index of the group's first value in m and
 * r, `statistic`.
 */
interface Pass {
  readonly name: string;
  readonly functions: string;
  /** Computes two values of the part, `sums`. */
  readonly summed: string;
  /** Combines them to those of the group, `whole`; this thread has those of one part, `own` of `count` values. */
  readonly together: string;
  /** Writes the results of the part; the group has `total` values. */
  readonly apply: string;
}

/** Mean and sum of squares about it. Source for joining parts: Chan, Golub, LeVeque 1979, equation 2.1 */
const forward = (silu: boolean): Pass => ({
  name: `Forward${silu ? 'Silu' : ''}`,
  functions: silu ? swish : '',
  summed: `
    var sum = 0.0;
    for (var e = thread; e < elements; e += threads) { sum += x[at(e)]; }
    let mean = joined(vec2f(sum, 0)).x / f32(elements);
    var squares = 0.0;
    for (var e = thread; e < elements; e += threads) {
      let d = x[at(e)] - mean;
      squares += d * d;
    }
    let sums = vec2f(mean, joined(vec2f(squares, 0)).x);`,
  together: `
    let mean = joined(vec2f(own.x * count, 0)).x / total;
    let whole = vec2f(mean, joined(vec2f(own.y + count * (own.x - mean) * (own.x - mean), 0)).x);`,
  apply: `
    let inverse = inverseSqrt(whole.y / total + uniforms.eps);
    for (var e = thread; e < elements; e += threads) {
      let c = channelOf(e);
      let z = (x[at(e)] - whole.x) * inverse * scale[c] + offset[c];
      result[at(e)] = ${silu ? 'swish(z, 1)' : 'z'};
    }
    if (part == 0 && elements > 0) {
      for (var j = thread; j < uniforms.statistics; j += threads) {
        m[statistic + j] = whole.x;
        r[statistic + j] = inverse;
      }
    }`,
});

/** h = (x - m) r, g = scale dz:  dx = r (g - mean(g) - h mean(g h)), means over the group. */
const backward = (silu: boolean): Pass => ({
  name: `Backward${silu ? 'Silu' : ''}`,
  functions: `${swish}
    fn normal(i: i32, statistic: i32) -> f32 { return (x[i] - m[statistic]) * r[statistic]; }
    fn slope(i: i32, c: i32, h: f32) -> f32 {
      return scale[c] * dy[i]${silu ? ' * swishDerivative(h * scale[c] + offset[c], 1)' : ''};
    }`,
  summed: `
    var sums = vec2f();
    for (var e = thread; e < elements; e += threads) {
      let h = normal(at(e), statistic);
      let g = slope(at(e), channelOf(e), h);
      sums += vec2f(g, g * h);
    }
    sums = joined(sums);`,
  together: 'let whole = joined(own);',
  apply: `
    for (var e = thread; e < elements; e += threads) {
      let h = normal(at(e), statistic);
      let g = slope(at(e), channelOf(e), h);
      result[at(e)] = r[statistic] * (g - (whole.x + h * whole.y) / total);
    }`,
});

/** Runs in one dispatch, or for large groups in two: the sums of their parts, then the rest. */
function run(
  backend: WebGPUBackend,
  pass: Pass,
  call: Pick<Dispatch, 'inputs' | 'outputs' | 'reals'>,
  { images, pixels, channels, groups }: View,
): TensorInfo[] {
  const isRow = pixels === 1 && groups === 1;
  const width = channels / groups;
  const threads = isRow ? 64 : 256;
  const parts = Math.min(threads, pixels, Math.ceil((pixels * width) / MAX_GROUP_OF_ONE_WORKGROUP));
  const workgroups = images * groups * parts;
  const statistics = countElements(call.outputs.m ?? call.inputs.m?.shape ?? []);
  const shared = {
    threads,
    workgroups,
    integers: {
      blocks: workgroups,
      pixels,
      channels,
      groups,
      width,
      parts,
      statistics: statistics / (images * groups),
    },
  };
  const writeCode = (body: string) =>
    [workgroupSum(threads), sizes, pass.functions, writeMain(threads, body)].join('\n');
  const name = `${isRow ? 'Row' : 'Group'}Norm${pass.name}`;
  if (parts === 1) {
    const code = writeCode(`${pass.summed}\nlet whole = sums;\n${pass.apply}`);
    return dispatch(backend, { ...call, ...shared, name, code });
  }
  const [sums] = dispatch(backend, {
    ...call,
    ...shared,
    name: `${name}Sums`,
    outputs: { result: [workgroups, 2] },
    code: writeCode(`${pass.summed}
      if (thread == 0 && elements > 0) { result[2 * block] = sums.x; result[2 * block + 1] = sums.y; }`),
  }) as [TensorInfo];
  const results = dispatch(backend, {
    ...call,
    ...shared,
    name: `${name}Joined`,
    inputs: { ...call.inputs, sums },
    code: writeCode(`
      var own = vec2f();
      let count = f32(select(0, elementsOf(thread), thread < uniforms.parts));
      if (count > 0) {
        let held = 2 * (group * uniforms.parts + thread);
        own = vec2f(sums[held], sums[held + 1]);
      }
      ${pass.together}
      ${pass.apply}`),
  });
  backend.disposeData(sums.dataId);
  return results;
}

const sizes = `
fn elementsOf(part: i32) -> i32 {
  return ((part + 1) * uniforms.pixels / uniforms.parts - part * uniforms.pixels / uniforms.parts) * uniforms.width;
}`;

const writeMain = (threads: number, body: string): string => `
var<private> first: i32;
var<private> group: i32;
fn at(e: i32) -> i32 { return first + e / uniforms.width * uniforms.channels + e % uniforms.width; }
fn channelOf(e: i32) -> i32 { return group % uniforms.groups * uniforms.width + e % uniforms.width; }
fn run(index: i32) {
  const threads = ${threads};
  let thread = i32(localIndex);
  let block = index / threads;
  let part = block % uniforms.parts;
  group = block / uniforms.parts;
  let image = group / uniforms.groups;
  first = (image * uniforms.pixels + part * uniforms.pixels / uniforms.parts) * uniforms.channels
    + group % uniforms.groups * uniforms.width;
  let statistic = group * uniforms.statistics;
  let elements = select(0, elementsOf(part), block < uniforms.blocks);
  let total = f32(uniforms.pixels * uniforms.width);
  ${body}
}`;
