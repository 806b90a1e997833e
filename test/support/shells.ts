import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { type ServerOptions, startServer } from '../../electron/server/server.ts';
import type { Engine } from '../../graphs/engine/engine.ts';
import { messagePort, type Port } from '../../graphs/engine/port.ts';
import { type QueuedEngine, queueRuns } from '../../graphs/engine/queue.ts';
import { connectEngine, serveEngine } from '../../graphs/engine/remoteEngine.ts';
import { connectShell, type Shell } from '../../renderer/state/shell.ts';

/** An engine as a window sees it through one kind of shell. */
export interface ShellOfEngine {
  /** A further client of the same engine. */
  connect(): Promise<QueuedEngine>;
  /** Breaks the first client's connection; absent where there is none to break. */
  disconnect?(): Promise<void>;
  close(): Promise<void>;
}

/** The ways from a window to an engine: none, a port, HTTP, and a process between that queues as well, as for WebGPU. */
export const shells: Readonly<Record<string, (engine: Engine) => Promise<ShellOfEngine>>> = {
  async 'in-process'(engine) {
    const queued = queueRuns(engine);
    return { connect: async () => queued, close: async () => {} };
  },
  async port(engine) {
    const queued = queueRuns(engine);
    const ports: Port[] = [];
    return {
      async connect() {
        const { port1, port2 } = new MessageChannel();
        serveEngine(queued, messagePort(port1));
        ports.push(messagePort(port2));
        return connectEngine(ports.at(-1) as Port);
      },
      disconnect: async () => ports[0]?.close(),
      async close() {
        for (const port of ports) port.close();
      },
    };
  },
  async 'a process between'(engine) {
    const { port1, port2 } = new MessageChannel();
    serveEngine(queueRuns(engine), messagePort(port1));
    const port = messagePort(port2);
    const queued = queueRuns(connectEngine(port));
    return { connect: async () => queued, close: async () => port.close() };
  },
  async http(engine) {
    const { connect, close, disconnect } = await serveOverHttp(engine);
    return {
      connect: () => new Promise((resolve) => connect().onEngine(resolve)),
      disconnect,
      close,
    };
  },
};

/** A real server and the window's own client of it, with the engine in this process. */
export async function serveOverHttp(engine: Engine) {
  const queued = queueRuns(engine);
  const folder = await mkdtemp(join(tmpdir(), 'noiseloom-serve-'));
  const relays: Port[] = [];
  const options: ServerOptions = {
    folders: { data: join(folder, 'data'), graphs: join(folder, 'graphs'), runs: join(folder, 'runs') },
    host: {
      state: { state: 'ready', device: { name: 'cpu', description: 'of a test' } },
      start: () => {},
      requireAnswer: () => {},
      onState: () => () => {},
      connect() {
        const { port1, port2 } = new MessageChannel();
        serveEngine(queued, messagePort(port1));
        relays.push(messagePort(port2));
        return relays.at(-1) as Port;
      },
    },
    address: '127.0.0.1',
    port: 0,
    names: [],
    listDevices: async () => [],
    log: () => {},
  };
  const server = await startServer(options);
  const origin = `http://127.0.0.1:${server.port}`;
  const abort = new AbortController();
  return {
    folder,
    options,
    server,
    /** What a page of the server would get from `connectShell`. */
    connect: (): Shell => connectAsPage(origin, server.token, abort.signal),
    disconnect: async () => relays[0]?.close(),
    async close() {
      abort.abort();
      await server.close();
      for (const relay of relays) relay.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Gives the window's client what a browser has: an address of its own, and the cookie. */
export function connectAsPage(origin: string, token: string, signal: AbortSignal): Shell {
  const fetchAsPage = (path: string, init: RequestInit = {}) =>
    fetch(`${origin}${path}`, {
      ...init,
      signal: init.signal ? AbortSignal.any([init.signal, signal]) : signal,
      headers: { ...init.headers, authorization: `Bearer ${token}` },
    });
  return connectShell({ fetch: fetchAsPage });
}
