/**
 * Kernels that run an op in one or two dispatches. TensorFlow.js would need ten or more, and for attention the whole score
 * matrix.
 */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { Kernel, Kernels } from '../../../nodes/ml/nn/ops.ts';
import { fused, getKernel, reshape, type Tensor2D, tidy } from '../../../nodes/ml/tf.ts';
import { registerKernels } from '../registerKernels.ts';
import { defineActivation, defineActivationGradient, geglu, gegluGradient } from './activations.ts';
import { attention, attentionGradient } from './attention.ts';
import { toFloat32 } from './float16.ts';
import { groupNorm, groupNormGradient, layerNorm, layerNormGradient } from './normalise.ts';

/** Product and bias by TensorFlow.js' own kernel, which does both at once. */
const linear: Kernel<'NoiseloomLinear', WebGPUBackend> = (_, { x, weight, bias }, { transposed }) => {
  const y = tidy(() => {
    const rows = reshape(x, [-1, x.shape.at(-1)!]) as Tensor2D;
    const product = fused.matMul({ a: rows, b: weight, transposeB: transposed, ...(bias && { bias }) });
    return reshape(product, [...x.shape.slice(0, -1), product.shape.at(-1)!]);
  });
  return [y];
};

const kernels: Kernels<WebGPUBackend> = {
  NoiseloomGroupNorm: groupNorm,
  NoiseloomGroupNormGradient: groupNormGradient,
  NoiseloomLayerNorm: layerNorm,
  NoiseloomLayerNormGradient: layerNormGradient,
  NoiseloomAttention: attention,
  NoiseloomAttentionGradient: attentionGradient,
  NoiseloomMaskedAttention: attention,
  NoiseloomMaskedAttentionGradient: attentionGradient,
  NoiseloomLinear: linear,
  NoiseloomToFloat32: toFloat32,
  NoiseloomSilu: defineActivation('Silu', 'swish(x, 1)'),
  NoiseloomSiluGradient: defineActivationGradient('SiluGradient', 'swishDerivative(x, 1)'),
  NoiseloomQuickGelu: defineActivation('QuickGelu', 'swish(x, 1.702)'),
  NoiseloomQuickGeluGradient: defineActivationGradient('QuickGeluGradient', 'swishDerivative(x, 1.702)'),
  NoiseloomGelu: defineActivation('Gelu', 'gelu(x)'),
  NoiseloomGeluGradient: defineActivationGradient('GeluGradient', 'geluDerivative(x)'),
  NoiseloomGeglu: geglu,
  NoiseloomGegluGradient: gegluGradient,
};

/** Registers them once per process, after TensorFlow.js' backend for WebGPU is loaded. */
export function registerWebgpuKernels(): void {
  if (!getKernel('NoiseloomToFloat32', 'webgpu')) registerKernels('webgpu', kernels);
}
