/**
 * Kernels that call the ops of `build/native/ops/`, each of which replaces four to ten passes over memory, or up to four
 * times the multiplications. On the processor only.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Kernels, Ops } from '../../../nodes/ml/nn/ops.ts';
import { type Tensor, type TensorInfo, util } from '../../../nodes/ml/tf.ts';
import { listParts } from '../../../nodes/ml/train/adamWOnDevice.ts';
import { registerKernels } from '../registerKernels.ts';
import { nameOpsLibrary } from './nativeFolders.ts';

/** The part of tfjs-node's backend that kernels use. */
interface NativeBackend {
  readonly binding: { TF_ATTR_INT: number; TF_ATTR_FLOAT: number; TF_ATTR_BOOL: number };
  executeMultipleOutputs(name: string, attributes: object[], inputs: TensorInfo[], outputs: number): Tensor[];
}

/** Attributes of an op by their types in TensorFlow. */
interface OpAttributes {
  readonly int?: Readonly<Record<string, number>>;
  readonly float?: Readonly<Record<string, number>>;
  readonly bool?: Readonly<Record<string, boolean>>;
}

const kernels: Kernels<NativeBackend> = {
  NoiseloomGroupNorm: (backend, { x, scale, offset }, attributes) =>
    executeThree(backend, 'NoiseloomGroupNorm', [x, scale, offset], groupNormAttributes(attributes)),
  NoiseloomGroupNormGradient: (backend, { dy, x, scale, offset, m, r }, attributes) => [
    execute(backend, 'NoiseloomGroupNormGradient', [dy, x, scale, offset, m, r], groupNormAttributes(attributes)),
  ],
  NoiseloomGroupNormWeightGradients(backend, { dy, x, scale, offset, m, r }, attributes) {
    const inputs = [dy, x, scale, offset, m, r];
    const outputs = executeAll(
      backend,
      'NoiseloomGroupNormWeightGradients',
      inputs,
      2,
      groupNormAttributes(attributes),
    );
    return outputs as [Tensor, Tensor];
  },
  NoiseloomLayerNorm: (backend, { x, scale, offset }, { eps }) =>
    executeThree(backend, 'NoiseloomLayerNorm', [x, scale, offset], { float: { eps } }),
  NoiseloomLayerNormGradient: (backend, { dy, x, scale, m, r }) => [
    execute(backend, 'NoiseloomLayerNormGradient', [dy, x, scale, m, r]),
  ],
  NoiseloomLayerNormScaleGradient: (backend, { dy, x, m, r }) => [
    execute(backend, 'NoiseloomLayerNormScaleGradient', [dy, x, m, r]),
  ],

  NoiseloomSilu: (backend, { x }) => [execute(backend, 'NoiseloomSwish', [x], { float: { factor: 1 } })],
  NoiseloomSiluGradient: (backend, { dy, x }) => [
    execute(backend, 'NoiseloomSwishGradient', [dy, x], { float: { factor: 1 } }),
  ],
  NoiseloomQuickGelu: (backend, { x }) => [execute(backend, 'NoiseloomSwish', [x], { float: { factor: 1.702 } })],
  NoiseloomQuickGeluGradient: (backend, { dy, x }) => [
    execute(backend, 'NoiseloomSwishGradient', [dy, x], { float: { factor: 1.702 } }),
  ],
  NoiseloomGelu: (backend, { x }) => [execute(backend, 'NoiseloomGelu', [x])],
  NoiseloomGeluGradient: (backend, { dy, x }) => [execute(backend, 'NoiseloomGeluGradient', [dy, x])],
  NoiseloomGeglu: (backend, { x }) => [execute(backend, 'NoiseloomGeglu', [x])],
  NoiseloomGegluGradient: (backend, { dy, x }) => [execute(backend, 'NoiseloomGegluGradient', [dy, x])],

  NoiseloomAttention: (backend, { q, k, v }, { batch, heads, scale }) => [
    execute(backend, 'NoiseloomAttention', [q, k, v], { int: { batch, heads }, float: { scale } }),
  ],
  NoiseloomAttentionGradient: (backend, { q, k, v, dy, y }, { batch, heads, scale }) =>
    executeThree(backend, 'NoiseloomAttentionGradient', [q, k, v, dy, y], { int: { batch, heads }, float: { scale } }),
  NoiseloomSoftmaxGradient: (backend, { p, dp, level }) => [
    execute(backend, 'NoiseloomSoftmaxGradient', [p, dp, level]),
  ],
  Softmax: (backend, { logits }) => execute(backend, 'NoiseloomSoftmax', [logits]),

  NoiseloomLinear: (backend, { x, weight, bias }, { transposed }) => [
    multiply(backend, x, weight, bias, false, transposed),
  ],
  NoiseloomAddProduct: (backend, { start, a, b }) => [execute(backend, 'NoiseloomAddProduct', [start, a, b])],
  BatchMatMul(backend, inputs, attributes, original) {
    const { a, b } = inputs;
    const isFloat = a.dtype === 'float32' && b.dtype === 'float32';
    if (!isFloat || String(a.shape.slice(0, -2)) !== String(b.shape.slice(0, -2))) return original(inputs, attributes);
    return multiply(backend, a, b, undefined, attributes.transposeA, attributes.transposeB);
  },

  FusedConv2D(backend, inputs, attributes, original) {
    const { x, filter, bias } = inputs;
    const isLinear = attributes.activation === 'linear';
    if (!isLinear || !is3x3(filter, attributes)) return original(inputs, attributes);
    return convolve(backend, x, filter, bias, false);
  },
  Conv2DBackpropInput(backend, inputs, attributes, original) {
    const { dy, filter } = inputs;
    if (!is3x3(filter, attributes)) return original(inputs, attributes);
    return convolve(backend, dy, filter, undefined, true);
  },
  Conv2DBackpropFilter(backend, inputs, attributes, original) {
    const { x, dy } = inputs;
    const { filterShape, strides, pad, dataFormat } = attributes;
    const is3x3Filter = is3x3({ shape: filterShape }, { strides, pad, dataFormat });
    if (!is3x3Filter || countTiles(x) < FEWEST_TILES) return original(inputs, attributes);
    return execute(backend, 'NoiseloomFilterGradient3x3', [x, dy]);
  },

  Sum(backend, inputs, attributes, original) {
    const { x } = inputs;
    const axes = util.parseAxisParam(attributes.axis, x.shape).toSorted((a, b) => a - b);
    const [first = 0, last = 0] = [axes[0], axes.at(-1)];
    const isRun = axes.length > 0 && last - first === axes.length - 1 && last < x.shape.length - 1;
    if (!isRun || x.dtype !== 'float32' || x.shape.includes(0)) return original(inputs, attributes);
    return execute(backend, 'NoiseloomSum', [x], { int: { first, last }, bool: { keep: attributes.keepDims } });
  },
  NoiseloomAddPerImage: (backend, { x, offset }) => [execute(backend, 'NoiseloomAddPerImage', [x, offset])],

  NoiseloomAdamW(backend, inputs) {
    const { m, v, average, factors } = inputs;
    const parameters = listParts<Tensor>(inputs, 'parameter');
    const all = [...listParts<Tensor>(inputs, 'gradient'), ...parameters, m, v, average, factors];
    const outputs = executeAll(backend, 'NoiseloomAdamW', all, 3 + parameters.length, {
      int: { N: parameters.length },
    });
    return outputs as [Tensor, Tensor, Tensor, ...Tensor[]];
  },

  NoiseloomToFloat32: (backend, { halves }, { count, bfloat16, taps }) => [
    execute(backend, 'NoiseloomToFloat32', [halves], { int: { count, taps }, bool: { is_bfloat16: bfloat16 } }),
  ],
};

/** Loads the ops library of a build, where it has one; without it ops run in their plain forms. */
export function registerNativeOps(folder: string): void {
  try {
    createRequire(import.meta.url)(join(folder, nameOpsLibrary()));
  } catch {
    return;
  }
  registerKernels('tensorflow', kernels);
}

function groupNormAttributes({ groups, eps, activation }: Ops['NoiseloomGroupNorm']['attributes']): OpAttributes {
  return { int: { groups }, float: { eps }, bool: { silu: activation === 'silu' } };
}

function multiply(
  backend: NativeBackend,
  a: TensorInfo,
  b: TensorInfo,
  bias: TensorInfo | undefined,
  transposeA: boolean,
  transposeB: boolean,
): Tensor {
  const attributes = { bool: { transpose_a: transposeA, transpose_b: transposeB } };
  return bias
    ? execute(backend, 'NoiseloomMatMulWithBias', [a, b, bias], attributes)
    : execute(backend, 'NoiseloomMatMul', [a, b], attributes);
}

type ConvolutionAttributes = Pick<Ops['Conv2DBackpropInput']['attributes'], 'strides' | 'pad' | 'dataFormat'> & {
  readonly dilations?: Ops['FusedConv2D']['attributes']['dilations'];
};

/** Whether a convolution is 3x3 with stride 1 and SAME padding, of channels [.., .., C, D] that fill vectors. */
function is3x3(filter: Pick<TensorInfo, 'shape'>, attributes: ConvolutionAttributes): boolean {
  const { strides, pad, dataFormat = 'NHWC', dilations = 1 } = attributes;
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  const everyPixel = [strides, dilations].flat().every((each) => each === 1) && pad === 'same' && dataFormat === 'NHWC';
  return everyPixel && height === 3 && width === 3 && inputs % 16 === 0 && outputs % 16 === 0;
}

/** Fewer tiles do not repay transforming the gradient of the filter. */
const FEWEST_TILES = 16;

/** Tiles of 4 x 4 pixels in images [N, H, W, C]. */
function countTiles({ shape }: TensorInfo): number {
  const [images, height, width] = shape as [number, number, number];
  return images * Math.ceil(height / 4) * Math.ceil(width / 4);
}

function convolve(
  backend: NativeBackend,
  x: TensorInfo,
  filter: TensorInfo,
  bias: TensorInfo | undefined,
  isInputGradient: boolean,
): Tensor {
  const attributes = { bool: { input_gradient: isInputGradient } };
  return bias
    ? execute(backend, 'NoiseloomConvolution3x3WithBias', [x, filter, bias], attributes)
    : execute(backend, 'NoiseloomConvolution3x3', [x, filter], attributes);
}

/** Runs an op with one output. */
function execute(backend: NativeBackend, op: string, inputs: TensorInfo[], attributes?: OpAttributes): Tensor {
  return executeAll(backend, op, inputs, 1, attributes)[0]!;
}

/** Runs an op with three outputs. */
function executeThree(
  backend: NativeBackend,
  op: string,
  inputs: TensorInfo[],
  attributes: OpAttributes,
): [Tensor, Tensor, Tensor] {
  return executeAll(backend, op, inputs, 3, attributes) as [Tensor, Tensor, Tensor];
}

function executeAll(
  backend: NativeBackend,
  op: string,
  inputs: TensorInfo[],
  outputs: number,
  attributes: OpAttributes = {},
): Tensor[] {
  return backend.executeMultipleOutputs(op, listAttributes(backend, attributes), inputs, outputs);
}

function listAttributes({ binding }: NativeBackend, { int = {}, float = {}, bool = {} }: OpAttributes): object[] {
  const list = (values: object, type: number) => Object.entries(values).map(([name, value]) => ({ name, type, value }));
  return [
    ...list(int, binding.TF_ATTR_INT),
    ...list(float, binding.TF_ATTR_FLOAT),
    ...list(bool, binding.TF_ATTR_BOOL),
  ];
}
