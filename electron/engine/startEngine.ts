import { totalmem } from 'node:os';
import { createEngine, type Engine, type EngineParts } from '../../graphs/engine/engine.ts';
import { library } from '../../nodes/index.ts';
import { type Device, type DevicePreference, openDevice } from '../../nodes/ml/device.ts';
import { copyImages } from '../../nodes/ml/image/copyImages.ts';
import { version_core } from '../../nodes/ml/tf.ts';
import { devices } from '../devices/devices.ts';
import { version } from '../files/folders.ts';

/** Starts the device. Throws UserError `NO_DEVICE`. */
export function startDevice(preference: DevicePreference): Promise<Device> {
  return openDevice(preference, devices);
}

/** The engine of this process on a started device; it may keep results in a share of the memory, half by default. */
export function startEngine(device: Device, files: EngineParts['files'], share = 0.5): Engine {
  const memory = device.memory.totalBytes ?? totalmem();
  return createEngine({ library, device, files, cacheBudget: memory * share, copyImages });
}

/** Versions of what computes, for the record of a run. */
export function collectVersions({ description }: Pick<Device, 'description'>): Record<string, string> {
  const tensorflow = /TensorFlow (\d[\w.-]*)/.exec(description)?.[1];
  return { noiseloom: version, node: process.versions.node, tfjs: version_core, ...(tensorflow ? { tensorflow } : {}) };
}
