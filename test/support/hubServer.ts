import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { breakConnection } from './breakConnection.ts';

/** How the server misbehaves; change it between requests. */
export interface HubBehaviour {
  /** Only requests with this token are let in. */
  token?: string;
  /** Breaks the connection when so many bytes of a body have arrived in a folder, this many times. */
  breakAfter?: number;
  breaks?: number;
  arrivesIn?: string;
  onBreak?: () => void;
  ignoreRanges?: boolean;
  /** Sends these bytes in place of a file's. */
  swapped?: Record<string, Uint8Array>;
  /** Answers what begins so, such as `/api/models/NAME/tree/`, in place of the server. */
  answers?: Readonly<Record<string, (response: ServerResponse, url: URL) => void>>;
}

export interface HubServer {
  readonly endpoint: string;
  readonly behaviour: HubBehaviour;
  /** `METHOD path range authorization` of every request for bytes. */
  readonly log: string[];
  close(): Promise<void>;
}

const COMMIT = 'c0ffee'.padEnd(40, '0');

/**
 * Speaks the hub's routes for one model: `/api/models/NAME/revision/R`, `/api/models/NAME/tree/COMMIT` (two entries a
 * page, with Link headers), and `/NAME/resolve/COMMIT/PATH`, which for files of 64 bytes and more sends the caller on to
 * another host (this server by its other name), as the hub does with large files. Ranges are honoured.
 */
export async function startHubServer(name: string, files: Readonly<Record<string, Uint8Array>>): Promise<HubServer> {
  const behaviour: HubBehaviour = {};
  const log: string[] = [];
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', endpoint);
    if (url.pathname.startsWith('/cdn/')) return sendBytes(url.pathname.slice(5), request, response);
    const own = Object.entries(behaviour.answers ?? {}).find(([start]) => url.pathname.startsWith(start));
    if (own) return own[1](response, url);
    if (behaviour.token && request.headers.authorization !== `Bearer ${behaviour.token}`) {
      return sendJson(response, 401, { error: 'Invalid username or password.' });
    }
    if (url.pathname.startsWith(`/api/models/${name}/revision/`)) {
      return url.pathname.endsWith('/main')
        ? sendJson(response, 200, { _id: '1', id: name, sha: COMMIT, lastModified: '2024-01-01T00:00:00Z' })
        : sendJson(response, 404, { error: 'Invalid rev id' });
    }
    if (url.pathname === `/api/models/${name}/tree/${COMMIT}`) return sendTree(url, response);
    const resolve = `/${name}/resolve/${COMMIT}/`;
    if (!url.pathname.startsWith(resolve)) return sendJson(response, 404, { error: 'Repository not found' });
    const path = decodeURIComponent(url.pathname.slice(resolve.length));
    if ((files[path]?.length ?? 0) < 64) return sendBytes(path, request, response);
    const location = `${endpoint.replace('127.0.0.1', 'localhost')}/cdn/${path}`;
    response.writeHead(302, { location }).end();
  });

  function sendTree(url: URL, response: ServerResponse): void {
    const page = Number(url.searchParams.get('cursor') ?? 0);
    const entries = Object.entries(files).map(([path, bytes]) => ({
      type: 'file',
      path,
      oid: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
      size: bytes.length,
      ...(bytes.length < 64
        ? {}
        : { lfs: { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 130 } }),
    }));
    const folders = [
      ...new Set(
        Object.keys(files)
          .filter((path) => path.includes('/'))
          .map((path) => path.split('/')[0]),
      ),
    ];
    const all = [...folders.map((path) => ({ type: 'directory', path, oid: '0', size: 0 })), ...entries];
    if (page + 2 < all.length) {
      url.searchParams.set('cursor', String(page + 2));
      response.setHeader('link', `<${url.href}>; rel="next"`);
    }
    sendJson(response, 200, all.slice(page, page + 2));
  }

  function sendBytes(path: string, request: IncomingMessage, response: ServerResponse): void {
    const { range, authorization } = request.headers;
    log.push([path, range ?? 'whole', authorization ?? 'no token'].join(' '));
    const bytes = behaviour.swapped?.[path] ?? files[path];
    if (!bytes) {
      sendJson(response, 404, { error: 'Entry not found' });
      return;
    }
    const start = behaviour.ignoreRanges ? 0 : Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    const head = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(start > 0 ? 206 : 200, { ...head, 'content-length': bytes.length - start });
    const { breakAfter = Number.POSITIVE_INFINITY, breaks = 0, arrivesIn } = behaviour;
    if (breaks > 0 && arrivesIn !== undefined && bytes.length - start > breakAfter) {
      behaviour.breaks = breaks - 1;
      response.write(bytes.subarray(start, start + breakAfter), () => {
        void breakConnection(response, arrivesIn, start + breakAfter).then(behaviour.onBreak);
      });
    } else response.end(bytes.subarray(start));
  }

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    behaviour,
    log,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
