import { existsSync, readdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { DeviceBackend } from '../../../nodes/ml/device.ts';
import { describeAdapter } from './webgpuAdapter.ts';
import { registerWebgpuKernels } from './webgpuKernels.ts';

/** WebGPU outside a browser, by Dawn. */
export const webgpuDevice: DeviceBackend = {
  name: 'webgpu',
  async open(asked) {
    if (process.platform === 'linux') {
      if (!asked && !hasGraphicsCard()) throw new Error('There is no graphics card.');
      if (!hasVulkanDriver()) throw new Error('No Vulkan driver is installed.');
    }
    const gpu = await dawn();
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    const opened = describeAdapter(adapter, asked);
    await import('@tensorflow/tfjs-backend-webgpu');
    registerWebgpuKernels();
    return opened;
  },
};

// Both look for files, because Dawn prints what it finds amiss.

function hasGraphicsCard(): boolean {
  const renders = existsSync('/dev/dri') && readdirSync('/dev/dri').some((file) => file.startsWith('render'));
  return renders || existsSync('/dev/nvidia0') || existsSync('/dev/dxg');
}

/** Looks where Vulkan's loader looks. */
function hasVulkanDriver(): boolean {
  const named = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
  if (named) return named.split(delimiter).some((file) => existsSync(file));
  const folders = ['/etc', '/usr/share', '/usr/local/share', '/usr/local/etc', join(homedir(), '.local/share')];
  return folders.some((folder) => {
    const drivers = join(folder, 'vulkan', 'icd.d');
    return existsSync(drivers) && readdirSync(drivers).some((file) => file.endsWith('.json'));
  });
}

let opened: GPU | undefined;

/** Puts Dawn where TensorFlow.js' WebGPU backend looks for a browser's: on `navigator` and among the globals. */
async function dawn(): Promise<GPU> {
  if (opened) return opened;
  process.env.XDG_RUNTIME_DIR ??= tmpdir(); // without it Wayland's library prints an error that means nothing here
  let module: typeof import('webgpu');
  try {
    module = await import('webgpu');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`WebGPU's library does not load on this machine (${why}).`);
  }
  const gpu = module.create([]);
  Object.assign(globalThis, module.globals);
  const navigator = globalThis.navigator ?? {};
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  opened = gpu;
  return gpu;
}
