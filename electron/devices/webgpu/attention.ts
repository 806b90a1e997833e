import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { AttentionAttributes, Ops, Results } from '../../../nodes/ml/nn/ops.ts';
import type { Tensor4D, TensorInfo } from '../../../nodes/ml/tf.ts';
import { countElements, dispatch } from './dispatch.ts';

/*
 * Attention that never holds its score matrix: a workgroup computes a tile of rows of the result and reads the other side tile
 * by tile. Source: arXiv 2205.14135, algorithm 1 and appendix B.2
 */

type Inputs = Ops['NoiseloomAttention']['inputs'] & { readonly mask?: Tensor4D };
type GradientInputs = Ops['NoiseloomAttentionGradient']['inputs'] & { readonly mask?: Tensor4D };

/** [y] */
export function attention(
  backend: WebGPUBackend,
  { q, k, v, mask }: Inputs,
  attributes: AttentionAttributes,
): Results<'NoiseloomAttention'> {
  const [y] = run(backend, forward, { q, k, v, ...(mask && { mask }) }, { result: q.shape }, attributes);
  return [y!];
}

/** [dq, dk, dv] */
export function attentionGradient(
  backend: WebGPUBackend,
  { q, k, v, mask, dy, y }: GradientInputs,
  attributes: AttentionAttributes,
): Results<'NoiseloomAttentionGradient'> {
  const { batch, heads } = attributes;
  const always = { q, k, ...(mask && { mask }) };
  const perRow = [batch, heads, countElements(q.shape.slice(0, -1)) / batch, 2];
  const [rows] = run(backend, rowStatistics, { ...always, dy, y }, { result: perRow }, attributes) as [TensorInfo];
  const read = { ...always, v, dy, rows };
  const [dq] = run(backend, queryGradient, read, { result: q.shape }, attributes);
  const [dk, dv] = run(backend, keyGradients, read, { result: k.shape, dv: v.shape }, attributes);
  backend.disposeData(rows.dataId);
  return [dq!, dk!, dv!];
}

type Side = 'queries' | 'keys';

/** What a workgroup does, in WGSL. */
interface Pass {
  readonly name: string;
  /** What the rows of its tile are. */
  readonly own: Side;
  readonly start: string;
  /** For each tile of the other side; this thread's scores are `s0` and `s1`. */
  readonly step: string;
  readonly end: string;
}

/** A tile has 32 x 32 scores and a workgroup 8 x 16 threads (y, x): each has rows 4 y .. 4 y + 3 of columns x and x + 16. */
const TILE = 32;
const THREADS = 128;

/** Each thread's part of a product of the own side's rows with the other's, added to `into`0 and `into`1. */
const product = (into: string, own: string, other: string): string => `
  for (var begin = 0; begin < uniforms.width; begin += 16) {
    let wide = begin + x;
    workgroupBarrier();
    owns[y * 16 + x] = vec4f(${[0, 1, 2, 3].map((i) => `${own}At(row + ${i}, wide)`).join(', ')});
    for (var i = y; i < 32; i += 8) { others[i * 17 + x] = ${other}At(column + i, wide); }
    workgroupBarrier();
    for (var i = 0; i < 16; i++) { // what lies beyond the head is 0
      ${into}0 += owns[y * 16 + i] * others[x * 17 + i];
      ${into}1 += owns[y * 16 + i] * others[(x + 16) * 17 + i];
    }
  }`;

/** Shares each thread's weights of the other side's rows with its workgroup. */
const share = (weight: string): string => `
  workgroupBarrier();
  weights[y * 32 + x] = ${weight}0;
  weights[y * 32 + x + 16] = ${weight}1;
  workgroupBarrier();`;

/** Adds the other side's rows, by their weights, to `into` times `factor`. */
const gather = (into: string, other: string, factor: string): string => `
  for (var part = 0; part < parts; part++) {
    workgroupBarrier();
    for (var i = y; i < 32; i += 8) { others[i * 17 + x] = ${other}At(column + i, part * 16 + x); }
    workgroupBarrier();
    var sum = vec4f();
    for (var i = 0; i < 32; i++) { sum += weights[y * 32 + i] * others[i * 17 + x]; }
    ${into}[part] = ${into}[part] * ${factor} + sum;
  }`;

/** Writes the four rows. */
const write = (to: string, own: Side, values: string): string => `
  for (var part = 0; part < parts; part++) {
    let wide = part * 16 + x;
    let values = ${values};
    for (var i = 0; i < 4; i++) {
      if (isLive && row + i < uniforms.${own} && wide < uniforms.width) {
        ${to}[place(row + i, uniforms.${own}, wide)] = values[i];
      }
    }
  }`;

/** The largest score of each row so far, and the sum of exp(score - largest). */
const SOFT_START = 'var largest = vec4f(-3e38); var total = vec4f();';
const soften = `
  ${share('s')}
  var most = largest;
  for (var i = 0; i < min(32, uniforms.keys - column); i++) { most = max(most, weights[y * 32 + i]); }
  let p0 = select(vec4f(), exp(s0 - most), column + x < uniforms.keys);
  let p1 = select(vec4f(), exp(s1 - most), column + x + 16 < uniforms.keys);
  ${share('p')}
  let shrink = exp(largest - most);
  largest = most;
  total *= shrink;
  for (var i = 0; i < 32; i++) { total += weights[y * 32 + i]; }`;

const forward: Pass = {
  name: 'Attention',
  own: 'queries',
  start: `${SOFT_START} var sums: array<vec4f, parts>;`,
  step: `${soften} ${gather('sums', 'v', 'shrink')}`,
  end: write('result', 'queries', 'sums[part] / total'),
};

/** Of each row of scores the logarithm of the sum of exponentials, and the sum of dy y. */
const rowStatistics: Pass = {
  name: 'AttentionRows',
  own: 'queries',
  start: SOFT_START,
  step: soften,
  end: `
  if (x < 4 && isLive && row + x < uniforms.queries) {
    var level = 0.0;
    for (var wide = 0; wide < uniforms.width; wide++) { level += dyAt(row + x, wide) * yAt(row + x, wide); }
    result[2 * (pair * uniforms.queries + row + x)] = largest[x] + log(total[x]);
    result[2 * (pair * uniforms.queries + row + x) + 1] = level;
  }`,
};

/** dS = P (dy v^T - level),  dq = scale dS k */
const queryGradient: Pass = {
  name: 'AttentionQueryGradient',
  own: 'queries',
  start: `
  var sums: array<vec4f, parts>;
  var logarithm: vec4f;
  var level: vec4f;
  for (var i = 0; i < 4; i++) { logarithm[i] = rowAt(row + i).x; level[i] = rowAt(row + i).y; }`,
  step: `
  var d0 = vec4f(); var d1 = vec4f();
  ${product('d', 'dy', 'v')}
  let w0 = select(vec4f(), exp(s0 - logarithm) * (d0 - level), column + x < uniforms.keys);
  let w1 = select(vec4f(), exp(s1 - logarithm) * (d1 - level), column + x + 16 < uniforms.keys);
  ${share('w')} ${gather('sums', 'k', '1')}`,
  end: write('result', 'queries', 'sums[part] * uniforms.scale'),
};

/** dv = P^T dy,  dk = scale dS^T q; scores lie transposed here. */
const keyGradients: Pass = {
  name: 'AttentionKeyGradients',
  own: 'keys',
  start: 'var sums: array<vec4f, parts>; var values: array<vec4f, parts>;',
  step: `
  let row0 = rowAt(column + x);
  let row1 = rowAt(column + x + 16);
  let p0 = select(vec4f(), exp(s0 - row0.x), column + x < uniforms.queries);
  let p1 = select(vec4f(), exp(s1 - row1.x), column + x + 16 < uniforms.queries);
  ${share('p')} ${gather('values', 'dy', '1')}
  var d0 = vec4f(); var d1 = vec4f();
  ${product('d', 'v', 'dy')}
  let w0 = p0 * (d0 - row0.y);
  let w1 = p1 * (d1 - row1.y);
  ${share('w')} ${gather('sums', 'q', '1')}`,
  end: `${write('result', 'keys', 'sums[part] * uniforms.scale')} ${write('dv', 'keys', 'values[part]')}`,
};

const sides = { q: 'queries', dy: 'queries', y: 'queries', k: 'keys', v: 'keys' } as const;

function run(
  backend: WebGPUBackend,
  pass: Pass,
  inputs: Readonly<Record<string, TensorInfo>>,
  outputs: Readonly<Record<string, readonly number[]>>,
  { batch, heads, scale }: AttentionAttributes,
): TensorInfo[] {
  const { q, k, mask } = inputs as unknown as Inputs;
  const channels = q.shape.at(-1)!;
  const width = channels / heads;
  const [queries, keys] = [q, k].map(({ shape }) => countElements(shape) / (channels * batch)) as [number, number];
  const tiles = Math.ceil((pass.own === 'queries' ? queries : keys) / TILE);
  const workgroups = batch * heads * tiles;
  const parts = Math.ceil(width / 16);
  return dispatch(backend, {
    name: [pass.name, parts, ...(mask ? ['masked'] : [])].join(' '),
    inputs,
    outputs,
    integers: {
      blocks: workgroups,
      tiles,
      heads,
      queries,
      keys,
      channels,
      width,
      ...(mask && readMaskStrides(mask.shape)),
    },
    reals: { scale },
    workgroups,
    threads: THREADS,
    code: writeCode(pass, Object.keys(inputs), parts),
  });
}

/** The strides of a mask; 0 along an axis that is broadcast. */
function readMaskStrides(shape: readonly number[]): Record<string, number> {
  const step = (axis: number) => (shape[axis] === 1 ? 0 : countElements(shape.slice(axis + 1)));
  return { maskImage: step(0), maskHead: step(1), maskQuery: step(2), maskKey: step(3) };
}

function writeCode({ own, start, step, end }: Pass, names: readonly string[], parts: number): string {
  const isQuery = own === 'queries';
  const other: Side = isQuery ? 'keys' : 'queries';
  const readers = Object.entries(sides)
    .filter(([name]) => names.includes(name))
    .map(
      ([name, side]) => `
fn ${name}At(row: i32, wide: i32) -> f32 {
  if (row >= uniforms.${side} || wide >= uniforms.width) { return 0; }
  return ${name}[place(row, uniforms.${side}, wide)];
}`,
    );
  const masked = (column: string) =>
    `vec4f(${[0, 1, 2, 3].map((i) => (isQuery ? `maskAt(row + ${i}, ${column})` : `maskAt(${column}, row + ${i})`)).join(', ')})`;
  return `
const parts = ${parts};
var<workgroup> owns: array<vec4f, 128>; // four rows of the own side at 16 columns of the head
var<workgroup> others: array<f32, ${TILE * 17}>; // as much of the other side; a column is left free, for the sake of banks
var<workgroup> weights: array<vec4f, 256>;
var<private> image: i32;
var<private> head: i32;
var<private> pair: i32;
fn place(row: i32, rows: i32, wide: i32) -> i32 {
  return (image * rows + row) * uniforms.channels + head * uniforms.width + wide;
}
${readers.join('')}
${
  names.includes('rows')
    ? `
fn rowAt(row: i32) -> vec2f {
  if (row >= uniforms.queries) { return vec2f(); }
  return vec2f(rows[2 * (pair * uniforms.queries + row)], rows[2 * (pair * uniforms.queries + row) + 1]);
}`
    : ''
}
${
  names.includes('mask')
    ? `
fn maskAt(query: i32, key: i32) -> f32 {
  if (query >= uniforms.queries || key >= uniforms.keys) { return 0; }
  return mask[image * uniforms.maskImage + head * uniforms.maskHead + query * uniforms.maskQuery + key * uniforms.maskKey];
}`
    : ''
}
fn run(index: i32) {
  let block = index / ${THREADS};
  let isLive = block < uniforms.blocks;
  let x = i32(localIndex) % 16;
  let y = i32(localIndex) / 16;
  pair = block / uniforms.tiles;
  image = pair / uniforms.heads;
  head = pair % uniforms.heads;
  let row = block % uniforms.tiles * ${TILE} + 4 * y;
  ${start}
  for (var column = 0; column < uniforms.${other}; column += ${TILE}) {
    var s0 = vec4f(); var s1 = vec4f();
    ${isQuery ? product('s', 'q', 'k') : product('s', 'k', 'q')}
    s0 *= uniforms.scale;
    s1 *= uniforms.scale;
    ${names.includes('mask') ? `s0 += ${masked('column + x')}; s1 += ${masked('column + x + 16')};` : ''}
    ${step}
  }
  ${end}
}`;
}
