import { afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { devices } from '../../electron/devices/devices.ts';
import { type Device, type DeviceName, openDevice } from '../../nodes/ml/device.ts';
import * as tf from '../../nodes/ml/tf.ts';

const tested: readonly DeviceName[] = ['native', 'webgpu', 'wasm'];

/** Devices whose absence is a failure instead of a skip: NOISELOOM_REQUIRE=native,webgpu,wasm. */
const required = (process.env.NOISELOOM_REQUIRE ?? '').split(',').filter(Boolean);

/** Narrows a run to some devices while working on one: NOISELOOM_DEVICES=native. */
const chosen = process.env.NOISELOOM_DEVICES?.split(',') ?? tested;

/**
 * Runs a numeric suite once a device: native TensorFlow, WebGPU and WebAssembly. `device` may be read inside tests and
 * hooks only. A device that cannot be had is skipped and its reason printed, or fails where NOISELOOM_REQUIRE names it.
 */
export async function describeOnDevices(title: string, suite: (device: () => Device) => void): Promise<void> {
  for (const name of tested.filter((name) => chosen.includes(name))) {
    const opened = await tryOpen(name);
    if (typeof opened === 'string' && !required.includes(name)) {
      console.warn(`SKIPPED on ${name}: ${title}: ${opened}`);
      describe.skip(`${title} [${name}]`, () => suite(absent));
      continue;
    }
    describe(`${title} [${name}]`, () => {
      let device: Device | undefined;
      beforeAll(async () => {
        device = await openDevice(name, devices); // throws the reason where it is required and absent
      });
      suite(() => device ?? absent());
    });
  }
}

/** The fastest device for tests that are not about devices: native, or WebAssembly where that is not set up. */
export async function openTestDevice(): Promise<Device> {
  const native = await tryOpen('native');
  return typeof native === 'string' ? openDevice('wasm', devices) : native;
}

/** Call once in a file or a `describe`: every test must end with as many tensors as it began with. */
export function guardLeaks(): void {
  let before = 0;
  beforeEach(() => {
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors - before, 'tensors left behind').toBe(0);
  });
}

async function tryOpen(name: DeviceName): Promise<Device | string> {
  try {
    return await openDevice(name, devices);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function absent(): never {
  throw new Error('The device can only be read inside a test or a hook.');
}
