import { backend, env, memory, profile } from '../tf.ts';

/**
 * The most memory that a piece of work holds at once in tensors that it makes, in bytes, found by doing it. `work` must leave no
 * tensors. Source: TensorFlow.js `tf.profile`, which notes the bytes held after every kernel.
 */
export async function peakBytes(work: () => void): Promise<number> {
  const checks = 'CHECK_COMPUTATION_FOR_ERRORS'; // profiling would read every tensor to look for NaN
  const before = env().getBool(checks);
  const held = memory().numBytes;
  const failures: unknown[] = []; // what is thrown inside would leave profiling on
  const device = backend();
  const { time } = device;
  // the time is not asked for, and in the device's own promise a failure, as for want of memory, would go unheard
  device.time = (kernel) => {
    kernel();
    return Promise.resolve({ kernelMs: 0 });
  };
  env().set(checks, false);
  try {
    const { peakBytes: most } = await profile(() => {
      try {
        work();
      } catch (error) {
        failures.push(error);
      }
      return [];
    });
    if (failures.length > 0) throw failures[0];
    return Math.max(0, most - held);
  } finally {
    env().set(checks, before);
    device.time = time;
  }
}
