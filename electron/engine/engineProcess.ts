import { createHash } from 'node:crypto';
import { dirname, isAbsolute, join } from 'node:path';
import type { MessagePortMain } from 'electron';
import { toProblem } from '../../graphs/document/problems.ts';
import type { Engine } from '../../graphs/engine/engine.ts';
import { type Outcome, unwrapOutcome } from '../../graphs/engine/outcome.ts';
import { messagePort, RelayedPorts } from '../../graphs/engine/port.ts';
import { type QueuedEngine, queueRuns } from '../../graphs/engine/queue.ts';
import { connectEngine, serveEngine } from '../../graphs/engine/remoteEngine.ts';
import { type FilesOf, serveFiles } from '../../graphs/engine/remoteFiles.ts';
import type { NodeDevice } from '../../nodes/defineNode.ts';
import type { Files } from '../../nodes/files.ts';
import { library } from '../../nodes/index.ts';
import { type DeviceName, type DevicePreference, openDevice } from '../../nodes/ml/device.ts';
import { devices } from '../devices/devices.ts';
import { tryDevices } from '../devices/tryDevices.ts';
import { chosenPlaces } from '../files/chosenPlaces.ts';
import { openFiles } from '../files/files.ts';
import { dataFolder, fileFolders } from '../files/folders.ts';
import { within } from '../files/paths.ts';
import { endWithParent } from './endWithParent.ts';
import type { EngineStart, FromEngine, ToEngine } from './engineMessages.ts';
import { keepQueue } from './keepQueue.ts';
import { recordRuns } from './recordRuns.ts';
import { collectVersions, startEngine } from './startEngine.ts';

/*
 * The process that computes: a utility process of Electron or a child of the server. It lives as long as its
 * owner, which starts another when this one dies.
 */

/** The owner of this process: one way to talk to it under Electron and under Node. */
interface Owner {
  /** Whether it has windows, and so Chromium's own WebGPU: Dawn's library does not run under Electron. */
  readonly hasWindows: boolean;
  post(message: FromEngine): void;
  listen(receive: (message: ToEngine, ports: readonly MessagePortMain[]) => void): void;
}

function findOwner(): Owner {
  const { parentPort } = process;
  if (parentPort) {
    return {
      hasWindows: true,
      post: (message) => parentPort.postMessage(message),
      listen: (receive) => parentPort.on('message', ({ data, ports }) => receive(data as ToEngine, ports)),
    };
  }
  if (!process.send) throw new Error('The engine runs as a part of Noiseloom only: start it with noiseloom serve.');
  process.on('disconnect', () => process.exit());
  endWithParent();
  return {
    hasWindows: false,
    post: (message) => process.send?.(message),
    listen: (receive) => process.on('message', (message) => receive(message as ToEngine, [])),
  };
}

/** What computes: TensorFlow in this process, or a page in a window. */
interface Compute {
  readonly device: NodeDevice & { readonly name: DeviceName };
  readonly engine: Engine;
  /** Settles when that which computes has read its messages; absent where it is this process. */
  answer?(): Promise<unknown>;
}

async function openEngine(start: EngineStart, owner: Owner) {
  const { device, runsFolder, workingFolder, allowed = [], memoryShare } = start;
  const chosen = chosenPlaces(dataFolder());
  const mayRead = within(async () => [workingFolder, runsFolder, ...allowed, ...(await chosen.list())]);
  const known = new Map<string, Files>();
  const folderOf = (location: string | undefined) =>
    location && isAbsolute(location) ? dirname(location) : workingFolder;
  const filesOf: FilesOf = (location) => {
    const folder = folderOf(location);
    const files = known.get(folder) ?? openFiles(fileFolders(folder, mayRead));
    known.set(folder, files);
    return files;
  };
  const compute = await openCompute(device, filesOf, owner, memoryShare);
  const versions = collectVersions(compute.device);
  const recording = { library, device: compute.device, versions, runsFolder, folderOf, filesOf };
  const engine = await keepQueue(queueRuns(recordRuns(compute.engine, recording)), queuePath(runsFolder));
  return { ...compute, engine };
}

/** Where the runs that wait are kept: with the user's own files, since what lies in a folder of runs may be a stranger's. */
function queuePath(runsFolder: string): string {
  const name = createHash('sha256').update(runsFolder).digest('hex').slice(0, 16);
  return join(dataFolder(), 'queues', `${name}.json`);
}

/** In the order of `openDevice`, except that under Electron WebGPU runs in a window. */
async function openCompute(
  preference: DevicePreference,
  filesOf: FilesOf,
  owner: Owner,
  memoryShare: number | undefined,
): Promise<Compute> {
  const here = async (offered = devices): Promise<Compute> => {
    const device = await openDevice(preference, offered);
    return { device, engine: startEngine(device, filesOf, memoryShare) };
  };
  if (!owner.hasWindows || (preference !== 'auto' && preference !== 'webgpu')) return here();
  if (preference === 'webgpu') return openWindow(owner, true, filesOf);
  const [better, worse] = [
    ['cuda', 'native'],
    ['wasm', 'cpu'],
  ].map((names) => devices.filter(({ name }) => names.includes(name)));
  return here(better)
    .catch(() => openWindow(owner, false, filesOf))
    .catch(() => here(worse));
}

/** Called with the ports of the window that was asked for. */
let windowOpened: ((ports: readonly MessagePortMain[]) => void) | undefined;

async function openWindow(owner: Owner, asked: boolean, filesOf: FilesOf): Promise<Compute> {
  const ports = new Promise<readonly MessagePortMain[]>((resolve) => {
    windowOpened = resolve;
  });
  owner.post({ type: 'open-window', asked });
  const [enginePort, filesPort] = (await ports) as [MessagePortMain, MessagePortMain];
  serveFiles(filesOf, messagePort(filesPort));
  const outcome = await new Promise<Outcome<Compute['device']>>((resolve) => {
    enginePort.once('message', ({ data }) => resolve(data));
    enginePort.start();
  });
  const { name, description } = unwrapOutcome(outcome);
  enginePort.on('close', () => {
    // this process is of no more use
    owner.post({ type: 'ending', reason: 'the graphics device was lost, or the page that computed on it ended' });
    setTimeout(() => process.exit(1), 100);
  });
  const engine = connectEngine(messagePort(enginePort));
  return { device: { name, description, memory: {} }, engine, answer: () => engine.listRuns() };
}

const owner = findOwner();
/** The connections whose messages come through the owner. */
const relayed = new RelayedPorts((connection, message) => owner.post({ type: 'message', connection, message }));
let engine: QueuedEngine | undefined;
let answer: Compute['answer'];

/** What computes in a page does not hang this process, so the page is asked too. */
async function answerPing(): Promise<void> {
  await answer?.();
  owner.post({ type: 'pong' });
}

owner.listen(async (message, ports) => {
  const [port] = ports;
  if (message.type === 'ping')
    await answerPing().catch(() => {}); // a page that is gone ends this process
  else if (message.type === 'list-devices') owner.post({ type: 'devices', rows: await tryDevices() });
  else if (message.type === 'window') windowOpened?.(ports);
  else if (message.type === 'connect') {
    if (engine) serveEngine(engine, port ? messagePort(port) : relayed.port(message.connection));
  } else if (message.type === 'message') relayed.receive(message.connection, message.message);
  else if (message.type === 'disconnect') relayed.closed(message.connection);
  else {
    try {
      const opened = await openEngine(message.start, owner);
      engine = opened.engine;
      answer = opened.answer;
      const { name, description } = opened.device;
      owner.post({ type: 'ready', device: { name, description } });
    } catch (error) {
      owner.post({ type: 'failed', problem: toProblem(error) });
    }
  }
});
