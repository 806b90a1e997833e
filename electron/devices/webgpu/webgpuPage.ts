import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { DeviceBackend } from '../../../nodes/ml/device.ts';
import { backend } from '../../../nodes/ml/tf.ts';
import { describeAdapter } from './webgpuAdapter.ts';
import { registerWebgpuKernels } from './webgpuKernels.ts';

/** WebGPU of the page that this runs in. */
export const webgpuPageDevice: DeviceBackend = {
  name: 'webgpu',
  async open(asked) {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
    const opened = describeAdapter(adapter ?? null, asked);
    await import('@tensorflow/tfjs-backend-webgpu');
    registerWebgpuKernels();
    return opened;
  },
};

/** Settles when the graphics card is lost to this page: driver reset, card taken away, out of memory. */
export function lossOfDevice(): Promise<unknown> {
  return (backend() as WebGPUBackend).device.lost;
}
