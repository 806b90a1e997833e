import type { Kernel, Kernels, Ops } from '../../nodes/ml/nn/ops.ts';
import { getKernel, type KernelConfig, registerKernel, unregisterKernel } from '../../nodes/ml/tf.ts';

/** Registers a device's own kernels with TensorFlow.js, in place of those that its backend has. Call it once per backend. */
export function registerKernels<Backend>(backendName: string, kernels: Kernels<Backend>): void {
  for (const [kernelName, kernel] of Object.entries(kernels) as [keyof Ops, Kernel<keyof Ops, Backend>][]) {
    const replaced = getKernel(kernelName, backendName);
    if (replaced) unregisterKernel(kernelName, backendName);
    registerKernel({ ...replaced, kernelName, backendName, kernelFunc: adaptKernel(kernel, replaced) });
  }
}

function adaptKernel<Backend>(
  kernel: Kernel<keyof Ops, Backend>,
  replaced: KernelConfig | undefined,
): KernelConfig['kernelFunc'] {
  return ({ inputs, attrs, backend }) => {
    const original = (otherInputs: object, otherAttributes: object) =>
      replaced?.kernelFunc({ inputs: otherInputs as never, attrs: otherAttributes as never, backend });
    return kernel(backend as Backend, inputs as never, attrs as never, original as never);
  };
}
