/**
 * Layers that native TensorFlow has as single operations, from the library of `build/native/layers.cc`: what they replace
 * takes four to ten passes over memory. On the processor only.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  type KernelConfig,
  registerKernel,
  type Tensor,
  type TensorInfo,
  unregisterKernel,
} from '../../nodes/ml/tf.ts';
import { layersName } from './nativeFolders.ts';

const backendName = 'tensorflow';

/** The part of tfjs-node's backend that kernels use. */
interface NativeBackend {
  readonly binding: { TF_ATTR_INT: number; TF_ATTR_FLOAT: number };
  executeMultipleOutputs(name: string, attributes: object[], inputs: TensorInfo[], outputs: number): Tensor[];
}

/** Every operation takes these. */
interface Settings {
  /** eps, the factor in a sigmoid (0: GELU), the scale of scores, or taps of kernels to turn (0: none). */
  readonly number?: number;
  /** Groups, pictures, or elements. */
  readonly count?: number;
  /** 1: SiLU after the normalisation, or bfloat16; or heads. */
  readonly flag?: number;
}

interface Layer {
  /** TensorFlow's, where it is not the kernel's. */
  readonly operation?: string;
  readonly inputs: readonly string[];
  readonly outputs?: number;
  settings?(attributes: Record<string, unknown>): Settings;
}

const groups = ({ groups, eps, activation }: Record<string, unknown>): Settings => ({
  count: groups as number,
  number: eps as number,
  flag: activation === 'silu' ? 1 : 0,
});
const pictures = ({ batch, heads, scale }: Record<string, unknown>): Settings => ({
  count: batch as number,
  number: scale as number,
  flag: heads as number,
});
const activations = { NoiseloomSilu: 1, NoiseloomQuickGelu: 1.702, NoiseloomGelu: 0 };

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
  NoiseloomNarrowAttention: { operation: 'NoiseloomAttention', inputs: ['q', 'k', 'v'], settings: pictures },
  NoiseloomNarrowAttentionGradient: {
    operation: 'NoiseloomAttentionGradient',
    inputs: ['q', 'k', 'v', 'dy', 'y'],
    settings: pictures,
  },
  NoiseloomWiden: {
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
  unregisterKernel('Softmax', backendName);
  for (const [kernelName, layer] of Object.entries(layers))
    registerKernel({ kernelName, backendName, kernelFunc: kernelOf(kernelName, layer) });
}

function kernelOf(
  kernelName: string,
  { operation = kernelName, inputs, outputs = 1, settings }: Layer,
): KernelConfig['kernelFunc'] {
  return ({ inputs: given, attrs, backend }) => {
    const native = backend as NativeBackend;
    const { TF_ATTR_FLOAT, TF_ATTR_INT } = native.binding;
    const { number = 0, count = 0, flag = 0 } = settings?.(attrs as Record<string, unknown>) ?? {};
    const results = native.executeMultipleOutputs(
      operation,
      [
        { name: 'number', type: TF_ATTR_FLOAT, value: number },
        { name: 'count', type: TF_ATTR_INT, value: count },
        { name: 'flag', type: TF_ATTR_INT, value: flag },
      ],
      inputs.map((name) => given[name] as TensorInfo),
      outputs,
    );
    return kernelName === 'Softmax' ? (results[0] as Tensor) : results;
  };
}
