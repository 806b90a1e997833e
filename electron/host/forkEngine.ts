import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { FromEngine } from '../engine/engineMessages.ts';
import { packageFolder } from '../files/folders.ts';
import type { EngineChild } from './engineHost.ts';

/** Starts the engine as a child of a Node process. `program`: a path from the root of the package. */
export function forkEngine(program = 'electron/engine/engineProcess.ts'): EngineChild {
  const script = join(packageFolder, 'build', 'run.mjs');
  const child = fork(script, [join(packageFolder, program)], {
    serialization: 'advanced', // bytes stay bytes
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return {
    pid: child.pid,
    post(message) {
      if (child.connected) child.send(message);
    },
    onMessage: (receive) => child.on('message', (message) => receive(message as FromEngine)),
    onExit(exited) {
      child.once('exit', (code, signal) => exited(signal ?? `exit code ${code}`));
      child.once('error', (error) => exited(error.message));
    },
    kill: () => child.kill('SIGKILL'),
  };
}
