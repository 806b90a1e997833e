import type { OpenedBackend } from '../../../nodes/ml/device.ts';

/**
 * What a WebGPU adapter is as a device, or throws an Error that says why it is none: only where the user `asked` for
 * WebGPU may software imitate the graphics card.
 */
export function describeAdapter(adapter: GPUAdapter | null, asked: boolean): OpenedBackend {
  if (!adapter) throw new Error('No graphics card that WebGPU can use was found.');
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter';
  const isSoftware =
    isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test([vendor, architecture, device, description].join(' '));
  if (isSoftware && !asked) {
    throw new Error(`There is only ${name}, which imitates a graphics card in software; ask for 'webgpu' to use it.`);
  }
  return {
    backend: 'webgpu',
    description: `WebGPU on ${name}`,
    memory: {
      largestTensorBytes: Math.min(adapter.limits.maxBufferSize, adapter.limits.maxStorageBufferBindingSize),
    },
  };
}
