import { UserError } from '../errors.ts';
import { type DeviceName, type DevicePreference, deviceNames } from './deviceNames.ts';
import * as tf from './tf.ts';

export { type DeviceName, type DevicePreference, deviceNames };

interface DeviceMemory {
  /** Bytes that the device has in all, where it tells. */
  readonly totalBytes?: number;
  /** Largest single tensor in bytes, where there is such a limit. */
  readonly largestTensorBytes?: number;
  /** Bytes free now, where the device tells. */
  freeBytes?(): number;
}

/** What a shell knows about starting one device. Nothing heavy is imported before `open`. */
export interface DeviceBackend {
  readonly name: DeviceName;
  /**
   * Starts the device and registers it with TensorFlow.js. `asked` is true where the user named this device: only then
   * may a software imitation of a graphics card be taken. Throws an Error whose message is a sentence that says why
   * the device cannot be had and what would help.
   */
  open(asked: boolean): Promise<OpenedBackend>;
}

export interface OpenedBackend {
  /** The name under which TensorFlow.js knows it. */
  readonly backend: string;
  /** For people, e.g. 'TensorFlow 2.21.0, 8 processor cores'. */
  readonly description: string;
  readonly memory: DeviceMemory;
}

interface Refusal {
  readonly name: DeviceName;
  readonly reason: string;
}

/** The device that all tensors of this process now live on. */
export interface Device {
  readonly name: DeviceName;
  readonly description: string;
  readonly memory: DeviceMemory;
  /** The devices that would have been preferred, and why they were passed over. */
  readonly refused: readonly Refusal[];
  /** How many times the tolerance of the native device the results of this one may be off. */
  readonly toleranceFactor: number;
}

/**
 * Starts a device and makes it TensorFlow.js' current one.
 *
 * `backends` are the devices that the shell can offer; 'auto' takes the first of `deviceNames` that starts. Throws
 * UserError `NO_DEVICE` where the named device, or any at all, cannot be had; the message says why, its `cause` only that.
 */
export async function openDevice(preference: DevicePreference, backends: readonly DeviceBackend[]): Promise<Device> {
  const refused: Refusal[] = [];
  for (const name of preference === 'auto' ? deviceNames : [preference]) {
    const result = await start(name, preference !== 'auto', backends);
    if (typeof result !== 'string') {
      const { description, memory } = result;
      return { name, description, memory, refused, toleranceFactor: name === 'native' || name === 'cuda' ? 1 : 10 };
    }
    refused.push({ name, reason: result });
  }
  const reasons = refused.map(({ name, reason }) => `${name}: ${reason}`).join(' ');
  throw new UserError(
    'NO_DEVICE',
    preference === 'auto'
      ? `No device could be started. ${reasons}`
      : `The device '${preference}' could not be started: ${refused[0]?.reason} Or use the device 'auto'.`,
    { cause: new Error(preference === 'auto' ? reasons : refused[0]?.reason) },
  );
}

/** The started device, or the sentence that says why there is none. */
async function start(
  name: DeviceName,
  asked: boolean,
  backends: readonly DeviceBackend[],
): Promise<OpenedBackend | string> {
  const offered = backends.find((backend) => backend.name === name);
  if (!offered) return 'It is not offered here.';
  try {
    const opened = await offered.open(asked);
    if (!(await tf.setBackend(opened.backend))) return 'TensorFlow.js could not start it.';
    tf.enableProdMode(); // no advice on the console
    return opened;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
