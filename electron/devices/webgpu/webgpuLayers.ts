/**
 * Layers that WebGPU has as kernels of our own, of a dispatch or two each: TensorFlow.js would make them of ten or more,
 * and attention with the whole matrix of scores.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import {
  fused,
  getKernel,
  type KernelConfig,
  registerKernel,
  reshape,
  type Tensor,
  type Tensor2D,
  type TensorInfo,
  tidy,
} from '../../../nodes/ml/tf.ts';
import { activation, activationGradient, geglu, gegluGradient } from './activate.ts';
import { attention, attentionGradient } from './attention.ts';
import { widen } from './halves.ts';
import { groupNorm, groupNormGradient, layerNorm, layerNormGradient } from './normalise.ts';

const backendName = 'webgpu';

/** Takes the inputs and attributes of the operation of its name, see nodes/ml/nn/, and gives what its `forward` does. */
type Layer = (backend: WebGPUBackend, inputs: never, attributes: never) => TensorInfo[];

/** By the name of the kernel that it is for TensorFlow.js. */
const layers: Readonly<Record<string, Layer>> = {
  NoiseloomGroupNorm: groupNorm,
  NoiseloomGroupNormGradient: groupNormGradient,
  NoiseloomLayerNorm: layerNorm,
  NoiseloomLayerNormGradient: layerNormGradient,
  NoiseloomAttention: attention,
  NoiseloomAttentionGradient: attentionGradient,
  NoiseloomMaskedAttention: attention,
  NoiseloomMaskedAttentionGradient: attentionGradient,
  NoiseloomLinear: linear,
  NoiseloomToFloat32: widen,
  NoiseloomSilu: activation('Silu', 'swish(x, 1)'),
  NoiseloomSiluGradient: activationGradient('SiluGradient', 'swishSlope(x, 1)'),
  NoiseloomQuickGelu: activation('QuickGelu', 'swish(x, 1.702)'),
  NoiseloomQuickGeluGradient: activationGradient('QuickGeluGradient', 'swishSlope(x, 1.702)'),
  NoiseloomGelu: activation('Gelu', 'gelu(x)'),
  NoiseloomGeluGradient: activationGradient('GeluGradient', 'geluSlope(x)'),
  NoiseloomGeglu: geglu,
  NoiseloomGegluGradient: gegluGradient,
};

/** Product and bias by TensorFlow.js' own kernel, which does both at once. */
function linear(
  _: WebGPUBackend,
  { x, weight, bias }: { readonly x: Tensor; readonly weight: Tensor2D; readonly bias?: Tensor },
  { transposed }: { readonly transposed: boolean },
): TensorInfo[] {
  return tidy(() => {
    const rows = reshape(x, [-1, x.shape.at(-1) as number]) as Tensor2D;
    const y = fused.matMul({ a: rows, b: weight, transposeB: transposed, ...(bias && { bias }) });
    return [reshape(y, [...x.shape.slice(0, -1), y.shape.at(-1) as number])];
  });
}

/** Once a process, after TensorFlow.js' backend for WebGPU is loaded. */
export function registerWebgpuLayers(): void {
  for (const [kernelName, layer] of Object.entries(layers))
    if (!getKernel(kernelName, backendName)) registerKernel({ kernelName, backendName, kernelFunc: kernelOf(layer) });
}

const kernelOf =
  (layer: Layer): KernelConfig['kernelFunc'] =>
  ({ inputs, attrs, backend }) =>
    layer(backend as WebGPUBackend, inputs as never, attrs as never);
