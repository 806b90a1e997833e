import { type MessagePortMain, utilityProcess } from 'electron';
import type { EngineChild } from './engineHost.ts';
import type { FromEngine } from './engineMessages.ts';

/** Starts the engine as a utility process of Electron. `script` is the bundle of engineProcess.ts. */
export function utilityEngine(script: string): EngineChild<MessagePortMain> {
  const child = utilityProcess.fork(script, [], {
    serviceName: 'Noiseloom engine',
    stdio: 'inherit',
    allowLoadingUnsignedLibraries: true, // TensorFlow's, which the user built
  });
  return {
    get pid() {
      return child.pid;
    },
    post: (message, ports = []) => child.postMessage(message, [...ports]),
    onMessage: (receive) => child.on('message', (message) => receive(message as FromEngine)),
    onExit: (exited) => child.once('exit', (code) => exited(`exit code ${code}`)),
    kill() {
      // A hung process does not hear `kill`, which asks.
      if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
    },
  };
}
