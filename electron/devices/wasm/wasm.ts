import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { DeviceBackend } from '../../../nodes/ml/device.ts';
import { freeBytes, totalBytes } from '../systemMemory.ts';

let registered = false;

/** WebAssembly: needs nothing installed. */
export const wasmDevice: DeviceBackend = {
  name: 'wasm',
  async open() {
    const [{ setWasmPaths }, { registerWasmKernels }] = await Promise.all([
      import('@tensorflow/tfjs-backend-wasm'),
      import('./wasmKernels.ts'),
    ]);
    if (!registered) registerWasmKernels();
    registered = true;
    const require = createRequire(import.meta.url);
    const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
    setWasmPaths(join(folder, 'dist/'));
    return {
      backend: 'wasm',
      description: 'WebAssembly with SIMD, one thread',
      // 32-bit addresses: 4 GiB whatever the machine has.
      memory: { totalBytes: Math.min(2 ** 32, totalBytes()), freeBytes: () => Math.min(2 ** 32, freeBytes()) },
    };
  },
};
