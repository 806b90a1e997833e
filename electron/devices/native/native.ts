import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { DeviceBackend, OpenedBackend } from '../../../nodes/ml/device.ts';
import { addressBytes, freeBytes, totalBytes } from '../systemMemory.ts';
import { ADDON_NAME, addonPath, type NativeKind, nativeBuilds, QUIET_NAME } from './nativeFolders.ts';

/** TensorFlow on an NVIDIA graphics card. */
export const cudaDevice: DeviceBackend = {
  name: 'cuda',
  async open(): Promise<OpenedBackend> {
    const loaded = await load(['cuda', 'cpu']);
    if (!loaded.usesGpu) {
      throw new Error(
        "TensorFlow sees no NVIDIA graphics card: this needs one, its driver, and 'npm run setup:native -- --cuda'.",
      );
    }
    return {
      backend: 'tensorflow',
      description: `TensorFlow ${loaded.version} on an NVIDIA graphics card`,
      memory: {},
    };
  },
};

/** TensorFlow on the processor. */
export const nativeDevice: DeviceBackend = {
  name: 'native',
  async open(asked): Promise<OpenedBackend> {
    if (asked && !loading) process.env.CUDA_VISIBLE_DEVICES = '-1'; // a build for CUDA would take the graphics card
    const loaded = await load(['cpu', 'cuda']);
    if (loaded.usesGpu) throw new Error('This process already computes on the graphics card: start another.');
    return {
      backend: 'tensorflow',
      description: `TensorFlow ${loaded.version} on ${availableParallelism()} processor cores`,
      memory: { totalBytes: totalBytes(), freeBytes },
    };
  },
};

interface Loaded {
  readonly version: string;
  readonly usesGpu: boolean;
}
let loading: Promise<Loaded> | undefined;

/** Loads the addon of the first build that there is, once a process, and registers it as the backend 'tensorflow'. */
function load(kinds: readonly NativeKind[]): Promise<Loaded> {
  loading ??= loadFirst(kinds);
  loading.catch(() => {
    loading = undefined; // the next attempt looks again
  });
  return loading;
}

async function loadFirst(kinds: readonly NativeKind[]): Promise<Loaded> {
  const folder = nativeBuilds(kinds)[0];
  if (!folder) {
    throw new Error(
      process.env.NOISELOOM_NATIVE
        ? `There is no ${ADDON_NAME} in ${process.env.NOISELOOM_NATIVE}, which NOISELOOM_NATIVE names.`
        : "Native TensorFlow is not set up: the editor's settings download it, or 'npm run setup:native' in a checkout.",
    );
  }
  const addon = loadAddon(folder);
  const [{ NodeJSKernelBackend }, { registerBackend }, { registerNativeKernels }, { registerNativeOps }] =
    await Promise.all([
      import('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js'),
      import('../../../nodes/ml/tf.ts'),
      import('./nativeKernels.ts'),
      import('./nativeOps.ts'),
      import('@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js'),
    ]);
  registerNativeKernels();
  const usesGpu = addon.isUsingGpuDevice();
  if (!usesGpu) registerNativeOps(folder);
  // The second argument only chooses between two sentences that are never printed here.
  registerBackend('tensorflow', () => new NodeJSKernelBackend(addon, ''));
  return { version: addon.TF_Version, usesGpu };
}

type Addon = ConstructorParameters<
  typeof import('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js').NodeJSKernelBackend
>[0];

function loadAddon(folder: string): Addon {
  const require = createRequire(import.meta.url);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // errors only
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true'; // take graphics memory as needed, not all of it at once
  // TensorFlow's pool takes what addresses are left, and without any for itself it ends the process or waits for ever.
  const addresses = addressBytes();
  if (addresses !== undefined) process.env.TF_MKL_ALLOC_MAX_BYTES ??= String(Math.floor(addresses / 2));
  let quiet: { hush(): void; restore(): void } | undefined;
  try {
    quiet = require(join(folder, QUIET_NAME));
  } catch {
    // a build without it: TensorFlow prints a line or two more
  }
  quiet?.hush();
  try {
    return require(addonPath(folder) ?? folder);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`The native TensorFlow in ${folder} does not load (${why}): run 'npm run setup:native' again.`);
  } finally {
    quiet?.restore();
  }
}
