import type { DeviceBackend } from '../../nodes/ml/device.ts';
import { cpuDevice } from './cpu.ts';
import { cudaDevice, nativeDevice } from './native/native.ts';
import { wasmDevice } from './wasm/wasm.ts';
import { webgpuDevice } from './webgpu/webgpu.ts';

/** The devices that a Node process can offer to `openDevice`. */
export const devices: readonly DeviceBackend[] = [cudaDevice, nativeDevice, webgpuDevice, wasmDevice, cpuDevice];
