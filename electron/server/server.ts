import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseMessage, serialiseMessage } from '../../graphs/engine/messageText.ts';
import type { Outcome } from '../../graphs/engine/outcome.ts';
import type { Port } from '../../graphs/engine/port.ts';
import { UserError } from '../../nodes/errors.ts';
import { measureJson } from '../../nodes/parseJson.ts';
import { contentPolicy } from '../host/contentPolicy.ts';
import { createDesktop, type DesktopParts } from '../host/desktop.ts';
import { callDesktop, isCall } from '../host/desktopCalls.ts';
import type { EngineHost } from '../host/engineHost.ts';
import type { DesktopApi, DesktopEvent } from '../host/ipc.ts';
import { rendererFiles } from '../host/rendererFiles.ts';
import { limitStrangers } from './limitStrangers.ts';

export interface ServerOptions extends Pick<DesktopParts, 'folders' | 'listDevices'> {
  readonly host: Pick<EngineHost, 'state' | 'start' | 'requireAnswer' | 'onState'> & { connect(): Port | undefined };
  /** The address to listen on, e.g. `127.0.0.1`, and the port; 0 takes any free one. */
  readonly address: string;
  readonly port: number;
  /** Names besides those of this machine's loopback under which a browser may reach it. */
  readonly names: readonly string[];
  /** Bytes of the largest request. */
  readonly largestBody?: number;
  /** Milliseconds that a client may take to send the head of a request; a body, or to read on, may take six times as long. */
  readonly patience?: number;
  /** Bytes that may wait for a client that reads a stream too slowly, after which it is cut. */
  readonly mostWaiting?: number;
  /** Where the built window lies. */
  readonly renderer?: string;
  /** Called once for each reason for which requests were refused. */
  log(line: string): void;
}

export interface RunningServer {
  /** With the token: whoever has it may do all that the window can. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

/** Milliseconds between empty lines that keep a stream alive. */
const KEEP_ALIVE = 15_000;
/** Connections that have not shown the token. */
const MAX_STRANGERS = 256;
/** Of a request's JSON: brackets within brackets, and values; a graph has fewer by far. */
const bodyLimits = { depth: 500, values: 5_000_000 };
/** Reasons for refusal that are logged. */
const MAX_LOGGED = 100;

/** An answer other than success. The sentence goes to the client and, where it is suspicious, once a kind to the log. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
  /** Not so: an address without anything, an engine that is being started. */
  get isSuspicious(): boolean {
    return this.status < 500 && this.status !== 404;
  }
}

/**
 * Serves the window, the engine and the desktop to a browser. Every request needs the token of this launch (a cookie that
 * `/?token=` sets, or `Authorization: Bearer`) and a `Host` of this machine; a browser's request must come from the page
 * itself. Throws UserError `PORT_TAKEN`.
 * One long function because its routes share the streams, the ports and the listeners of one server.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const token = randomBytes(32).toString('base64url');
  const largestBody = options.largestBody ?? 256 * 2 ** 20;
  const patience = options.patience ?? 10_000;
  const mostWaiting = options.mostWaiting ?? 256 * 2 ** 20;
  const refuse = createRefuser(options.log);
  const streams = new Set<ServerResponse>();
  const listeners = new Set<(event: DesktopEvent) => void>();
  const ports = new Map<string, Port>();
  const { api: desktop } = createDesktop({
    ...options,
    emit: (event) => {
      for (const listener of listeners) listener(event);
    },
  });

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '/' } = request;
    refuseStrangers(request, options.names);
    if (!URL.canParse(url, 'http://localhost')) throw new Refusal(400, 'The request names no address.');
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    if (method === 'GET' && pathname === '/' && isToken(searchParams.get('token'), token)) {
      admit(request.socket);
      logIn(response, cookieName(server), token);
      return;
    }
    refuseWithoutToken(request, token, cookieName(server));
    admit(request.socket);
    if (method === 'GET' && pathname === '/api/events') {
      const stream = openStream(response, streams, mostWaiting);
      listeners.add(stream.send);
      stream.onClose(() => listeners.delete(stream.send));
      stream.send({ type: 'engine', engine: options.host.state } satisfies DesktopEvent);
    } else if (method === 'GET' && pathname === '/api/engine') {
      connectEngine(response);
    } else if (method === 'GET') {
      await sendFile(pathname, response, options.renderer);
    } else if (method === 'POST') {
      const [, api, place, name = '', ...rest] = pathname.split('/');
      if (api !== 'api' || rest.length > 0) throw new Refusal(404, 'There is nothing at this address.');
      const body = await readBody(request, largestBody);
      if (place === 'engine' && ports.has(name)) {
        ports.get(name)?.post(body);
        sendText(response, 200, serialiseMessage(null));
      } else if (place === 'desktop') sendText(response, 200, serialiseMessage(await answer(desktop, name, body)));
      else throw new Refusal(404, 'There is nothing at this address.');
    } else throw new Refusal(405, 'Only GET and POST are answered.');
  };

  const connectEngine = (response: ServerResponse) => {
    const port = options.host.connect();
    if (!port) throw new Refusal(503, 'The engine is not ready.');
    const connection = randomUUID();
    const stream = openStream(response, streams, mostWaiting);
    ports.set(connection, port);
    stream.onClose(() => {
      ports.delete(connection);
      port.close();
    });
    port.listen(stream.send, stream.end);
    stream.send(connection);
  };

  const server = createServer(
    { headersTimeout: patience, requestTimeout: patience * 6, connectionsCheckingInterval: Math.ceil(patience / 4) },
    (request, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      const { socket } = request;
      socket.setTimeout(0); // what is asked for may take as long as it does
      response.on('prefinish', () => socket.setTimeout(patience * 6)); // but is to be read
      route(request, response).catch((error: unknown) => refuse(response, error));
    },
  );
  const { admit } = limitStrangers(server, MAX_STRANGERS);
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.address.includes(':') ? `[${options.address}]` : options.address}:${port}/?token=${token}`,
    port,
    token,
    async close() {
      for (const stream of streams) stream.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Answers requests that failed. Each reason is logged once. */
function createRefuser(log: ServerOptions['log']): (response: ServerResponse, error: unknown) => void {
  const logged = new Set<string>();
  return (response, error) => {
    const refusal = error instanceof Refusal ? error : new Refusal(500, 'The server failed at this request.');
    const line =
      error === refusal ? `Refused (${refusal.status}): ${refusal.message}` : `Failed: ${formatError(error)}`;
    if ((refusal.isSuspicious || refusal.status === 500) && !logged.has(line) && logged.size < MAX_LOGGED) {
      logged.add(line);
      log(line);
    }
    if (response.headersSent) response.destroy();
    else sendText(response.setHeader('connection', 'close'), refusal.status, `${refusal.message}\n`, 'text/plain');
  };
}

/** Gives the browser the token as a cookie, and a page whose address does not show it. */
function logIn(response: ServerResponse, name: string, token: string): void {
  const cookie = `${name}=${token}; HttpOnly; SameSite=Strict; Path=/`;
  response.writeHead(303, { location: '/', 'set-cookie': cookie }).end();
}

const headers: Readonly<Record<string, string>> = {
  'content-security-policy': contentPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

function listen(server: Server, { address, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = `The port ${port} of ${address} is taken (${cause.code}). Choose another with --port.`;
      reject(new UserError('PORT_TAKEN', taken, { cause }));
    });
    server.listen(port, address, resolve);
  });
}

/** Cookies are shared by all ports of a host, so the name has the port in it. */
function cookieName(server: Server): string {
  return `noiseloom-${(server.address() as AddressInfo).port}`;
}

/**
 * DNS rebinding makes a stranger's page reach this server under the stranger's name, which `Host` shows. `Origin` or
 * `Sec-Fetch-Site` shows a page of another origin that sends requests here.
 */
function refuseStrangers(
  { headers: { host = '', origin, ...others } }: IncomingMessage,
  names: readonly string[],
): void {
  const name = /^(\[[\da-f:]+\]|[^:]+)(:\d+)?$/i.exec(host)?.[1]?.toLowerCase() ?? '';
  if (!['localhost', '127.0.0.1', '[::1]', ...names].includes(name))
    throw new Refusal(403, 'The request names a host that is not this machine; see --allow-host.');
  const site = others['sec-fetch-site'];
  const sameSite = site === undefined || site === 'same-origin' || site === 'none';
  if ((origin !== undefined && origin !== `http://${host}`) || !sameSite)
    throw new Refusal(403, 'The request comes from a page of another origin.');
}

function refuseWithoutToken({ headers: sent, method }: IncomingMessage, token: string, cookie: string): void {
  if (isToken(/^Bearer (\S+)$/.exec(sent.authorization ?? '')?.[1], token)) return;
  const value = sent.cookie?.split(/; */).find((each) => each.startsWith(`${cookie}=`));
  if (!isToken(value?.slice(cookie.length + 1), token))
    throw new Refusal(401, 'The token of this launch is missing: open the address that noiseloom serve printed.');
  if (method === 'POST' && sent.origin === undefined)
    throw new Refusal(403, 'A request with the cookie must say the origin of its page.');
}

/** Compares in a time that does not depend on where they differ. */
function isToken(given: string | null | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given ?? ''), digest(token));
}

async function readBody(request: IncomingMessage, largest: number): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new Refusal(415, 'A request must have the content type application/json.');
  const tooLarge = () => new Refusal(413, `A request may have at most ${largest} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > largest) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > largest) throw tooLarge();
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    const { depth, values } = measureJson(text);
    if (depth > bodyLimits.depth || values > bodyLimits.values)
      throw new Refusal(
        400,
        `A request may nest ${bodyLimits.depth} brackets deep and have ${bodyLimits.values} values.`,
      );
    return parseMessage(text);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, 'The request cannot be read.');
  }
}

async function answer(desktop: DesktopApi, name: string, args: unknown): Promise<Outcome> {
  if (!isCall(name, args)) throw new Refusal(400, `There is no method ${name.slice(0, 80)} with these arguments.`);
  return callDesktop(desktop, name, args);
}

function sendText(response: ServerResponse, status: number, text: string, mime = 'application/json'): void {
  response.writeHead(status, { 'content-type': mime }).end(text);
}

async function sendFile(pathname: string, response: ServerResponse, folder?: string): Promise<void> {
  const files = await rendererFiles(folder);
  const file = files.get(pathname);
  if (!file) {
    if (pathname === '/') throw new Refusal(404, 'The window is not built: run npm run build in the checkout.');
    throw new Refusal(404, 'There is nothing at this address.');
  }
  const bytes = await readFile(file.path);
  response.writeHead(200, { 'content-type': file.mime }).end(bytes);
}

function formatError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A response that goes on: one line of JSON for each value. It is cut where more than `mostWaiting` bytes wait. */
function openStream(response: ServerResponse, streams: Set<ServerResponse>, mostWaiting: number) {
  streams.add(response);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const write = (line: string) => {
    if (response.writableLength > mostWaiting) response.destroy();
    else response.write(`${line}\n`);
  };
  const beat = setInterval(write, KEEP_ALIVE, '');
  response.on('close', () => {
    clearInterval(beat);
    streams.delete(response);
  });
  return {
    send: (value: unknown) => write(serialiseMessage(value)),
    end: () => response.end(),
    onClose: (closed: () => void) => response.on('close', closed),
  };
}
