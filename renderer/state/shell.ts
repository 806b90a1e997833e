import type { Bridge, DesktopApi, DesktopEvent, TakenFile } from '../../electron/host/ipc.ts';
import { parseMessage, serialiseMessage } from '../../graphs/engine/messageText.ts';
import { type Outcome, unwrapOutcome } from '../../graphs/engine/outcome.ts';
import { messagePort, type Port } from '../../graphs/engine/port.ts';
import type { QueuedEngine } from '../../graphs/engine/queue.ts';
import { connectEngine } from '../../graphs/engine/remoteEngine.ts';

declare global {
  interface Window {
    /** Put there by Electron's preload; absent in a plain browser. */
    readonly noiseloom?: Bridge;
  }
}

/** What this window stands on, the same in Electron and in a browser. */
export interface Shell {
  readonly desktop: DesktopApi;
  /** Lets graphs read a file that was dropped; undefined for one of no known path, as all are in a browser. */
  takeFile(file: File): Promise<TakenFile | undefined>;
  /** Subscribes to events of the shell; returns the unsubscribe function. */
  listen(listener: (event: DesktopEvent) => void): () => void;
  /**
   * Calls `use` with an engine as soon as there is one, and with another after each restart or broken connection. The
   * one before then rejects with `ENGINE_LOST`; runs that are not over can be followed through the new one.
   */
  onEngine(use: (engine: QueuedEngine) => void): void;
}

/** What of the browser is used to reach a server; tests put a page together by hand. */
type Page = { fetch(path: string, init?: RequestInit): Promise<Response> };

/** The shell of this window: Electron's, else the server that the page came from. */
export function connectShell(page?: Page): Shell {
  if (page) return httpShell(page);
  return window.noiseloom ? electronShell(window.noiseloom) : httpShell({ fetch: (path, init) => fetch(path, init) });
}

function electronShell(bridge: Bridge): Shell {
  return {
    desktop: methodsBy((method, args) => (bridge[method] as (...args: unknown[]) => Promise<Outcome<never>>)(...args)),
    takeFile: async (file) => unwrapOutcome(await bridge.takeFile(file)),
    listen: (listener) => bridge.listen(listener),
    onEngine(use) {
      window.addEventListener('message', ({ source, data, ports: [port] }) => {
        if (source === window && data === 'noiseloom-engine' && port) use(connectEngine(messagePort(port)));
      });
      bridge.connectEngine();
    },
  };
}

/** How long to wait before connecting again, in milliseconds. */
const RECONNECT = 1000;

function httpShell({ fetch }: Page): Shell {
  const listeners = new Set<(event: DesktopEvent) => void>();
  return {
    desktop: methodsBy(async (method, args) => {
      if (method === 'exportFile') return download(...(args as [string, Uint8Array<ArrayBuffer>]));
      const response = await fetch(`/api/desktop/${method}`, {
        method: 'POST',
        headers: HEADERS,
        body: serialiseMessage(args),
      });
      return parseMessage(await response.text()) as Outcome<never>;
    }),
    takeFile: async () => undefined,
    listen(listener) {
      if (listeners.size === 0) void readLines(fetch, '/api/events', (event) => tell(event as DesktopEvent));
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEngine: (use) => void keepConnected(fetch, use),
  };
  function tell(event: DesktopEvent) {
    for (const listener of listeners) listener(event);
  }
}

function download(name: string, bytes: Uint8Array<ArrayBuffer>): Outcome<never> {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
  return { ok: true, value: undefined as never };
}

const HEADERS = { 'content-type': 'application/json' };

/**
 * The engine over HTTP: one stream of lines from the server, whose first line names the connection, and a POST for every
 * message to it.
 */
async function keepConnected(fetch: Page['fetch'], use: (engine: QueuedEngine) => void): Promise<void> {
  for (;;) {
    let connection: string | undefined;
    let hear: { receive(message: unknown): void; closed(): void } | undefined;
    const abort = new AbortController();
    const port: Port = {
      post(message) {
        void fetch(`/api/engine/${connection}`, {
          method: 'POST',
          headers: HEADERS,
          body: serialiseMessage(message),
        }).then(
          ({ ok }) => ok || abort.abort(),
          () => abort.abort(),
        );
      },
      listen(receive, closed) {
        hear = { receive, closed };
      },
      close: () => abort.abort(),
    };
    await readLines(
      fetch,
      '/api/engine',
      (line) => {
        if (connection) hear?.receive(line);
        else {
          connection = line as string;
          use(connectEngine(port));
        }
      },
      abort.signal,
    );
    hear?.closed();
    await new Promise((done) => setTimeout(done, RECONNECT));
  }
}

/** Reads a stream of lines until it ends, however it ends. Empty lines only keep the connection alive. */
async function readLines(
  fetch: Page['fetch'],
  path: string,
  receive: (value: unknown) => void,
  signal?: AbortSignal,
): Promise<void> {
  try {
    const response = await fetch(path, signal ? { signal } : {});
    if (!response.ok || !response.body) return;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split('\n');
      rest = lines.pop()!;
      for (const line of lines) if (line !== '') receive(parseMessage(line));
    }
  } catch {
    // The connection broke; whoever calls tries again.
  }
}

type Call = (method: keyof DesktopApi, args: readonly unknown[]) => Promise<Outcome<never>>;

/** Implements every method of the desktop by one remote call. */
function methodsBy(call: Call): DesktopApi {
  return new Proxy({} as DesktopApi, {
    get:
      (_target, method: keyof DesktopApi) =>
      async (...args: unknown[]) =>
        unwrapOutcome(await call(method, args)),
  });
}
