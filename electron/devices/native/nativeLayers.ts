/**
 * Layers that native TensorFlow has as single operations, from the library of `build/native/layers.cc`: what they replace
 * takes four to ten passes over memory, or up to four times the products. On the processor only.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  getKernel,
  type KernelConfig,
  registerKernel,
  type Tensor,
  type TensorInfo,
  unregisterKernel,
} from '../../../nodes/ml/tf.ts';
import { layersName } from './nativeFolders.ts';

const backendName = 'tensorflow';

/** The part of tfjs-node's backend that kernels use. */
interface NativeBackend {
  readonly binding: { TF_ATTR_INT: number; TF_ATTR_FLOAT: number };
  executeMultipleOutputs(name: string, attributes: object[], inputs: TensorInfo[], outputs: number): Tensor[];
}

type Inputs = Readonly<Record<string, TensorInfo | undefined>>;
type Attributes = Readonly<Record<string, unknown>>;

/** Every operation takes these. */
interface Settings {
  /** eps, the factor in a sigmoid (0: GELU), the scale of scores, or taps of kernels to turn (0: none). */
  readonly number?: number;
  /** Groups, images, or elements. */
  readonly count?: number;
  /** 1: SiLU after the normalisation, bfloat16, or a gradient; of products which are turned; or heads. */
  readonly flag?: number;
}

interface Layer {
  /** TensorFlow's, where it is not the kernel's. */
  readonly operation?: string;
  readonly inputs: readonly string[];
  /** Whether it takes a bias after them, where one is given. */
  readonly biased?: boolean;
  readonly outputs?: number;
  settings?(attributes: Attributes): Settings;
  /** What it is for; the kernel that was there before runs for the rest. */
  suits?(inputs: Inputs, attributes: Attributes): boolean;
}

const groups = ({ groups, eps, activation }: Attributes): Settings => ({
  count: groups as number,
  number: eps as number,
  flag: activation === 'silu' ? 1 : 0,
});
const images = ({ batch, heads, scale }: Attributes): Settings => ({
  count: batch as number,
  number: scale as number,
  flag: heads as number,
});
const activations = { NoiseloomSilu: 1, NoiseloomQuickGelu: 1.702, NoiseloomGelu: 0 };

/** Whether kernels [3, 3, C, D] move over every pixel, with zeros around, and C and D fill vectors. */
function is3x3(kernels: TensorInfo, attributes: Attributes): boolean {
  const { strides, dilations = 1, pad, dataFormat = 'NHWC', activation = 'linear' } = attributes;
  const [down, across, inputs, outputs] = kernels.shape as [number, number, number, number];
  const everyPixel = [strides, dilations].flat().every((each) => each === 1) && pad === 'same' && dataFormat === 'NHWC';
  return everyPixel && activation === 'linear' && down === 3 && across === 3 && inputs % 16 === 0 && outputs % 16 === 0;
}

/** By the name of the kernel that it is for TensorFlow.js. */
const layers: Readonly<Record<string, Layer>> = {
  NoiseloomGroupNorm: { inputs: ['x', 'scale', 'offset'], outputs: 3, settings: groups },
  NoiseloomGroupNormGradient: { inputs: ['dy', 'x', 'scale', 'offset', 'm', 'r'], settings: groups },
  NoiseloomLayerNorm: {
    inputs: ['x', 'scale', 'offset'],
    outputs: 3,
    settings: ({ eps }) => ({ number: eps as number }),
  },
  NoiseloomLayerNormGradient: { inputs: ['dy', 'x', 'scale', 'm', 'r'] },
  NoiseloomGeglu: { inputs: ['x'] },
  NoiseloomGegluGradient: { inputs: ['dy', 'x'] },
  NoiseloomAttention: { inputs: ['q', 'k', 'v'], settings: images },
  NoiseloomAttentionGradient: { inputs: ['q', 'k', 'v', 'dy', 'y'], outputs: 3, settings: images },
  NoiseloomLinear: {
    operation: 'NoiseloomProduct',
    inputs: ['x', 'weight'],
    biased: true,
    settings: ({ transposed }) => ({ flag: transposed ? 2 : 0 }),
  },
  BatchMatMul: {
    operation: 'NoiseloomProduct',
    inputs: ['a', 'b'],
    settings: ({ transposeA, transposeB }) => ({ flag: (transposeA ? 1 : 0) + (transposeB ? 2 : 0) }),
    suits: ({ a, b }) =>
      [a, b].every((x) => x?.dtype === 'float32') && String(a?.shape.slice(0, -2)) === String(b?.shape.slice(0, -2)),
  },
  FusedConv2D: {
    operation: 'NoiseloomConvolution3x3',
    inputs: ['x', 'filter'],
    biased: true,
    suits: ({ filter }, attributes) => is3x3(filter as TensorInfo, attributes),
  },
  Conv2DBackpropInput: {
    operation: 'NoiseloomConvolution3x3',
    inputs: ['dy', 'filter'],
    settings: () => ({ flag: 1 }),
    suits: ({ filter }, attributes) => is3x3(filter as TensorInfo, attributes),
  },
  NoiseloomToFloat32: {
    operation: 'NoiseloomWiden',
    inputs: ['halves'],
    settings: ({ count, bfloat16, taps }) => ({
      count: count as number,
      flag: bfloat16 ? 1 : 0,
      number: taps as number,
    }),
  },
  Softmax: { operation: 'NoiseloomSoftmax', inputs: ['logits'] },
  NoiseloomSoftmaxGradient: { inputs: ['p', 'dp', 'level'] },
  ...Object.fromEntries(
    Object.entries(activations).flatMap(([name, number]): [string, Layer][] => [
      [name, { operation: 'NoiseloomActivation', inputs: ['x'], settings: () => ({ number }) }],
      [
        `${name}Gradient`,
        { operation: 'NoiseloomActivationGradient', inputs: ['dy', 'x'], settings: () => ({ number }) },
      ],
    ]),
  ),
};

/** Takes the library in the folder of a build where there is one; without it the layers are made of plain operations. */
export function registerNativeLayers(folder: string): void {
  try {
    createRequire(import.meta.url)(join(folder, layersName));
  } catch {
    return;
  }
  for (const [kernelName, layer] of Object.entries(layers)) {
    const before = getKernel(kernelName, backendName);
    if (before) unregisterKernel(kernelName, backendName);
    registerKernel({ kernelName, backendName, kernelFunc: kernelOf(kernelName, layer, before?.kernelFunc) });
  }
}

function kernelOf(
  kernelName: string,
  { operation = kernelName, inputs, biased, outputs = 1, settings, suits }: Layer,
  before: KernelConfig['kernelFunc'] | undefined,
): KernelConfig['kernelFunc'] {
  return (call) => {
    const given = call.inputs as Inputs;
    const attributes = call.attrs as Attributes;
    if (before && suits && !suits(given, attributes)) return before(call);
    const native = call.backend as NativeBackend;
    const { TF_ATTR_FLOAT, TF_ATTR_INT } = native.binding;
    const { number = 0, count = 0, flag = 0 } = settings?.(attributes) ?? {};
    const bias = biased ? given.bias : undefined;
    const results = native.executeMultipleOutputs(
      bias ? `${operation}AndBias` : operation,
      [
        { name: 'number', type: TF_ATTR_FLOAT, value: number },
        { name: 'count', type: TF_ATTR_INT, value: count },
        { name: 'flag', type: TF_ATTR_INT, value: flag },
      ],
      [...inputs.map((name) => given[name] as TensorInfo), ...(bias ? [bias] : [])],
      outputs,
    );
    return kernelName.startsWith('Noiseloom') ? results : (results[0] as Tensor); // TensorFlow.js' own give no lists
  };
}
