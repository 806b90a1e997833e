import { UserError } from '../../nodes/errors.ts';
import { takeArchive } from '../devices/native/takeArchive.ts';
import type { DeviceRow, NativeSetUp } from './ipc.ts';

/**
 * The download of native TensorFlow that the window asked for: it runs in the background and emits its progress. It has
 * succeeded when an engine process can open the device.
 */
export function nativeSetUp(emit: (state: NativeSetUp) => void, listDevices: () => Promise<readonly DeviceRow[]>) {
  let running: AbortController | undefined;

  const setUp = async (signal: AbortSignal): Promise<NativeSetUp> => {
    try {
      await takeArchive('cpu', { signal, emit: (progress) => emit({ state: 'running', ...progress }) });
      const native = (await listDevices()).find(({ name }) => name === 'native');
      if (!native?.available) throw new Error(native?.description);
      return { state: 'done' };
    } catch (error) {
      if (signal.aborted) return { state: 'stopped' };
      const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
      const sentence = `Native TensorFlow could not be set up: ${reason}. What has arrived is kept; everything also runs without it.`;
      return { state: 'failed', problem: new UserError('SETUP_FAILED', sentence).toJSON() };
    }
  };

  return {
    start(): void {
      if (running) return;
      running = new AbortController();
      emit({ state: 'running', done: 0, total: undefined });
      void setUp(running.signal).then((state) => {
        running = undefined;
        emit(state);
      });
    },
    stop(): void {
      running?.abort();
    },
  };
}
