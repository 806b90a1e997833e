import { dirname, isAbsolute } from 'node:path';
import type { MessagePortMain } from 'electron';
import { problemOf } from '../graphs/errors.ts';
import { type QueuedEngine, queueRuns } from '../graphs/queue.ts';
import { type Port, serveEngine } from '../graphs/remote.ts';
import type { Files } from '../nodes/files.ts';
import { library } from '../nodes/index.ts';
import { startDevice, startEngine, versionsOf } from './cli/session.ts';
import { tryDevices } from './devices/tryDevices.ts';
import type { EngineStart, FromEngine, ToEngine } from './engineMessages.ts';
import { openFiles } from './files.ts';
import { fileFolders } from './folders.ts';
import { recordRuns } from './recordRuns.ts';

/*
 * The process that computes: a utility process of Electron or a child of the server. It never ends by itself but with
 * its owner, which starts another when this one dies.
 */

/** The owner of this process: one way to talk to it under Electron and under Node. */
interface Owner {
  post(message: FromEngine): void;
  listen(receive: (message: ToEngine, ports: readonly MessagePortMain[]) => void): void;
}

function findOwner(): Owner {
  const { parentPort } = process;
  if (parentPort) {
    return {
      post: (message) => parentPort.postMessage(message),
      listen: (receive) => parentPort.on('message', ({ data, ports }) => receive(data as ToEngine, ports)),
    };
  }
  if (!process.send) throw new Error('The engine runs as a part of Noiseloom only: start it with noiseloom serve.');
  process.on('disconnect', () => process.exit());
  return {
    post: (message) => process.send?.(message),
    listen: (receive) => process.on('message', (message) => receive(message as ToEngine, [])),
  };
}

async function openEngine({ device: preference, runsFolder, workingFolder }: EngineStart) {
  const device = await startDevice(preference);
  const known = new Map<string, Files>();
  const filesOf = (location: string | undefined) => {
    const folder = location && isAbsolute(location) ? dirname(location) : workingFolder;
    const files = known.get(folder) ?? openFiles(fileFolders(folder));
    known.set(folder, files);
    return files;
  };
  const versions = versionsOf(device);
  const engine = recordRuns(startEngine(device, filesOf), { library, device, versions, runsFolder, filesOf });
  return { engine: queueRuns(engine), device };
}

/** Ports whose messages come through the owner, by connection. */
const relayed = new Map<number, { receive(message: unknown): void; closed(): void }>();

function relayedPort(owner: Owner, connection: number): Port {
  return {
    post: (message) => owner.post({ type: 'message', connection, message }),
    listen: (receive, closed) => relayed.set(connection, { receive, closed }),
    close: () => relayed.delete(connection),
  };
}

function ownPort(port: MessagePortMain): Port {
  return {
    post: (message) => port.postMessage(message),
    listen(receive, closed) {
      port.on('message', ({ data }) => receive(data));
      port.on('close', closed);
      port.start();
    },
    close: () => port.close(),
  };
}

const owner = findOwner();
let engine: QueuedEngine | undefined;

owner.listen(async (message, [port]) => {
  if (message.type === 'ping') owner.post({ type: 'pong' });
  else if (message.type === 'list-devices') owner.post({ type: 'devices', rows: await tryDevices() });
  else if (message.type === 'connect') {
    if (engine) serveEngine(engine, port ? ownPort(port) : relayedPort(owner, message.connection));
  } else if (message.type === 'message') relayed.get(message.connection)?.receive(message.message);
  else if (message.type === 'disconnect') {
    relayed.get(message.connection)?.closed();
    relayed.delete(message.connection);
  } else {
    try {
      const opened = await openEngine(message.start);
      engine = opened.engine;
      const { name, description } = opened.device;
      owner.post({ type: 'ready', device: { name, description } });
    } catch (error) {
      owner.post({ type: 'failed', problem: problemOf(error) });
    }
  }
});
