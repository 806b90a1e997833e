import type { DeviceBackend } from '../../nodes/ml/device.ts';
import type { Tensor, TensorInfo } from '../../nodes/ml/tf.ts';
import { freeBytes, totalBytes } from './systemMemory.ts';

let corrected = false;

/** Plain JavaScript: always there, and slow. */
export const cpuDevice: DeviceBackend = {
  name: 'cpu',
  async open() {
    await import('@tensorflow/tfjs-backend-cpu');
    if (!corrected) await correctNearestNeighborGradient();
    corrected = true;
    return {
      backend: 'cpu',
      description: 'plain JavaScript, one thread',
      memory: { totalBytes: totalBytes(), freeBytes },
    };
  },
};

/** The backend reads the gradient of every image of a batch at the place of another, so each goes through alone. */
async function correctNearestNeighborGradient(): Promise<void> {
  const tf = await import('../../nodes/ml/tf.ts');
  const kernelName = 'ResizeNearestNeighborGrad';
  const original = tf.getKernel(kernelName, 'cpu');
  tf.unregisterKernel(kernelName, 'cpu');
  tf.registerKernel({
    ...original,
    kernelFunc: ({ inputs, ...rest }) =>
      tf.tidy(() => {
        const images = tf.split(inputs.images as Tensor, inputs.images?.shape[0] ?? 1);
        const gradients = tf.split(inputs.dy as Tensor, images.length);
        const one = (i: number) => original.kernelFunc({ ...rest, inputs: { images: images[i], dy: gradients[i] } });
        return tf.concat(images.map((_, i) => tf.engine().makeTensorFromTensorInfo(one(i) as TensorInfo)));
      }),
  });
}
