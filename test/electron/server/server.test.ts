import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EngineState } from '../../../electron/host/ipc.ts';
import { type ServerOptions, startServer } from '../../../electron/server/server.ts';
import { createEngine } from '../../../graphs/engine/engine.ts';
import { serialiseMessage } from '../../../graphs/engine/messageText.ts';
import { gatedLibrary } from '../../support/gatedLibrary.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { runCli } from '../../support/runCli.ts';
import { serveOverHttp } from '../../support/shells.ts';

// Counts comparisons in constant time; they remain what they are.
const compared = vi.hoisted(() => ({ lengths: [] as (readonly [number, number])[] }));
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  const timingSafeEqual: typeof crypto.timingSafeEqual = (a, b) => {
    compared.lengths.push([a.byteLength, b.byteLength]);
    return crypto.timingSafeEqual(a, b);
  };
  return { ...crypto, timingSafeEqual };
});

/*
 * What strangers try: pages of other origins, DNS rebinding, requests without the token, too large, too slow, or for
 * files that are none of ours.
 */

let serving: Awaited<ReturnType<typeof serveOverHttp>>;
let logged: string[];
/** Tells a state of the engine to all that listen. */
let tell: (state: EngineState) => void;
let options: ServerOptions;
let server: Awaited<ReturnType<typeof startServer>>;

beforeAll(async () => {
  const device = { name: 'cpu', description: 'of a test', memory: {} } as const;
  const { library } = gatedLibrary();
  serving = await serveOverHttp(createEngine({ library, device, files: memoryFiles({}), cacheBudget: 0 }));
  const renderer = join(serving.folder, 'renderer');
  await mkdir(join(renderer, 'assets'), { recursive: true });
  await writeFile(join(renderer, 'index.html'), '<p>window</p>');
  await writeFile(join(renderer, 'assets', 'main.js'), 'main');
  await writeFile(join(serving.folder, 'secret.txt'), 'secret');
  await symlink(join(serving.folder, 'secret.txt'), join(renderer, 'assets', 'link.txt'));
  await writeFile(join(renderer, 'assets', 'large.js'), 'x'.repeat(64 * 2 ** 20));
  const onState = (listener: typeof tell) => {
    tell = listener;
    return () => {};
  };
  logged = [];
  options = {
    ...serving.options,
    host: { ...serving.options.host, onState },
    renderer,
    largestBody: 1000,
    mostWaiting: 2 ** 20,
    log: (line) => logged.push(line),
  };
  server = await startServer(options);
});
afterAll(async () => {
  await server.close();
  await serving.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A request as it is, with no browser's or fetch's say in its headers and path. */
function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const { method = options.body === undefined ? 'GET' : 'POST', headers = {}, body } = options;
    const asked = httpRequest(
      { host: '127.0.0.1', port: server.port, path, method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode as number,
            headers: response.headers,
            text: String(Buffer.concat(chunks)),
          }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

const bearerLine = () => `Authorization: Bearer ${server.token}\r\n`;
const bearer = () => ({ authorization: `Bearer ${server.token}` });
const json = { 'content-type': 'application/json' };
const cookie = () => ({ cookie: `noiseloom-${server.port}=${server.token}` });
const about = (headers: Record<string, string>, body = '{"value":[]}') =>
  ask('/api/desktop/about', { headers: { ...json, ...headers }, body });

describe('who may ask', () => {
  it('takes the token once from the address and keeps it in a cookie that no script and no other site gets', async () => {
    const { status, headers } = await ask(`/?token=${server.token}`);
    expect(status).toBe(303);
    expect(headers.location).toBe('/');
    expect(headers['set-cookie']).toEqual([
      `noiseloom-${server.port}=${server.token}; HttpOnly; SameSite=Strict; Path=/`,
    ]);
    expect((await ask('/', { headers: cookie() })).text).toBe('<p>window</p>');
  });

  it('refuses everything without the token, with a wrong one, or with part of it', async () => {
    const wrong = [{}, { authorization: 'Bearer x' }, { authorization: `Bearer ${server.token.slice(0, -1)}` }];
    for (const headers of [...wrong, { cookie: `noiseloom-${server.port}=` }, { cookie: `other=${server.token}` }]) {
      for (const path of ['/', '/assets/main.js', '/api/events', '/api/engine'])
        expect((await ask(path, { headers })).status, path).toBe(401);
      expect((await about(headers)).status).toBe(401);
    }
    expect((await ask('/?token=')).status).toBe(401);
    expect((await about(bearer())).status).toBe(200);
  });

  it('compares tokens of any length in constant time, wherever they come from', async () => {
    const wrong = ['', 'x', server.token.slice(0, -1), `${server.token}x`, 'x'.repeat(5000)];
    for (const token of [...wrong, server.token]) {
      for (const headers of [{ authorization: `Bearer ${token}` }, { cookie: `noiseloom-${server.port}=${token}` }]) {
        compared.lengths = [];
        expect((await ask('/assets/main.js', { headers })).status).toBe(token === server.token ? 200 : 401);
        expect(compared.lengths.length).toBeGreaterThan(0);
        expect(new Set(compared.lengths.flat())).toEqual(new Set([32]));
      }
      compared.lengths = [];
      expect((await ask(`/?token=${token}`)).status).toBe(token === server.token ? 303 : 401);
      expect(new Set(compared.lengths.flat())).toEqual(new Set([32]));
    }
  });

  it('opens no WebSocket, to nobody, and streams only by the same rules', async () => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    };
    for (const path of ['/', '/api/engine', '/api/events']) {
      expect((await ask(path, { headers: upgrade })).status, path).toBe(401);
      expect((await ask(path, { headers: { ...upgrade, ...bearer(), host: 'evil.example' } })).status, path).toBe(403);
      const origin = 'http://evil.example';
      expect((await ask(path, { headers: { ...upgrade, ...cookie(), origin } })).status, path).toBe(403);
    }
    expect((await ask('/assets/main.js', { headers: { ...upgrade, ...bearer() } })).status).toBe(200); // not 101
  });

  it('refuses a stranger’s name for this machine, as DNS rebinding brings it, even with the cookie', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${server.port}`,
      'localhost.evil.example',
      '127.0.0.1.',
      '[::1].x',
    ])
      expect((await ask('/', { headers: { ...cookie(), host } })).status, host).toBe(403);
    for (const host of ['localhost', `localhost:${server.port}`, '127.0.0.1:9', '[::1]:80', 'LOCALHOST'])
      expect((await ask('/', { headers: { ...cookie(), host } })).status, host).toBe(200);
  });

  it('refuses pages of other origins, and allows none by CORS', async () => {
    const own = `http://127.0.0.1:${server.port}`;
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1', own.replace('http', 'https')])
      expect((await about({ ...cookie(), origin })).status, origin).toBe(403);
    for (const site of ['cross-site', 'same-site'])
      expect((await about({ ...cookie(), origin: own, 'sec-fetch-site': site })).status, site).toBe(403);
    expect((await about(cookie())).status).toBe(403); // a page's request says its origin
    const allowed = await about({ ...cookie(), origin: own, 'sec-fetch-site': 'same-origin' });
    expect(allowed.status).toBe(200);
    expect(Object.keys(allowed.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await ask('/api/desktop/about', { method: 'OPTIONS', headers: { ...bearer(), origin: own } })).status).toBe(
      405,
    );
  });

  it('sends every answer with the content policy, and no answer to be kept or sniffed', async () => {
    for (const { headers } of [await ask('/', { headers: bearer() }), await ask('/nothing')]) {
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
      expect(headers['content-security-policy']).not.toMatch(/unsafe/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['cache-control']).toBe('no-store');
    }
  });

  it('logs each kind of refusal once, and not without end', async () => {
    for (let i = 0; i < 150; i++)
      await ask(`/api/desktop/nothing${i}`, { headers: { ...bearer(), ...json }, body: '{"value":[]}' });
    expect(logged.length).toBeLessThanOrEqual(100);
    expect(logged.length).toBe(new Set(logged).size);
    expect(logged.filter((line) => line.includes('token of this launch'))).toHaveLength(1);
    expect(logged.join()).not.toContain(server.token);
  });
});

describe('what may be asked', () => {
  it('serves only the files of the window, whatever the path', async () => {
    const paths = [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/assets/..%2f..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/assets/link.txt',
      '/..\\secret.txt',
      `/${serving.folder}/secret.txt`,
      '//etc/passwd',
      '/assets/main.js/',
      '/assets',
      '/index.html%00.png',
    ];
    for (const path of paths) {
      const { status, text } = await ask(path, { headers: bearer() });
      expect(status, path).toBe(404);
      expect(text).not.toContain('secret');
    }
    expect((await ask('/assets/main.js', { headers: bearer() })).headers['content-type']).toMatch(/^text\/javascript/);
  });

  it('refuses methods that are none of the contract and arguments that are none of the method', async () => {
    for (const name of ['constructor', '__proto__', 'toString', 'open', 'api', 'nothing'])
      expect(
        (await ask(`/api/desktop/${name}`, { headers: { ...bearer(), ...json }, body: '{"value":[]}' })).status,
        name,
      ).toBe(400);
    for (const value of [[1], {}, null, 'x', [[]]])
      expect((await about(bearer(), JSON.stringify({ value }))).status).toBe(400);
    for (const path of ['/api/engine/nobody', '/api/other/about', '/other', '/api/desktop/about/more'])
      expect((await ask(path, { headers: { ...bearer(), ...json }, body: '{"value":[]}' })).status, path).toBe(404);
    for (const body of ['', '{', '[]x', '{"value":[],"bytes":[[["__proto__","x"],"AAAA"]]}'])
      expect((await about(bearer(), body)).status, body).toBe(400);
    expect((await ask('/api/desktop/about', { headers: bearer(), body: '{"value":[]}' })).status).toBe(415);
  });

  it('refuses a body that is too large, by its announced and by its true size', async () => {
    const body = serialiseMessage(['x'.repeat(2000)]);
    expect((await about({ ...bearer(), 'content-length': String(body.length) }, body)).status).toBe(413);
    const chunked = await about({ ...bearer(), 'transfer-encoding': 'chunked' }, body).catch(() => ({ status: 413 }));
    expect(chunked.status).toBe(413);
    expect((await about(bearer())).status).toBe(200);
  });

  it('cannot reach files outside the folders of runs and graphs', async () => {
    const { desktop } = serving.connect();
    const { folder } = serving;
    for (const run of ['..', '../..', '.', '', '/etc', 'a/../..', 'C:\\'])
      await expect(desktop.readRun(run), run).rejects.toMatchObject({ code: 'NO_RUN' });
    await expect(desktop.readRunFile('..', 'secret.txt')).rejects.toMatchObject({ code: 'NO_RUN' });
    await expect(desktop.binRuns([{ folder: '..' }])).rejects.toMatchObject({ code: 'NO_RUN' });
    await expect(desktop.restoreRuns([{ folder: '..' }])).rejects.toMatchObject({ code: 'NO_RUN' });
    for (const location of [join(folder, 'secret.txt'), '/etc/passwd', join(folder, 'graphs', '..', 'secret.txt')]) {
      await expect(desktop.openRecent(location)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
      await expect(desktop.saveGraph(location, '{}')).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    }
    for (const name of ['../x', '/x', '..', 'a/b', '.hidden', '', 'C:\\x', 'a\0b'])
      await expect(desktop.saveGraphAs(name, '{}'), name).rejects.toMatchObject({ code: 'BAD_NAME' });
    for (const id of ['../x', 'a/b', '', '.'])
      await expect(desktop.writeDraft({ id, name: '', text: '' })).rejects.toMatchObject({ code: 'BAD_NAME' });
    await mkdir(join(folder, 'graphs'), { recursive: true });
    await symlink(join(folder, 'secret.txt'), join(folder, 'graphs', 'link.json'));
    await expect(desktop.openRecent(join(folder, 'graphs', 'link.json'))).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    });
    await expect(desktop.openGraph()).rejects.toMatchObject({ code: 'NO_DIALOGS' });
    expect(await readFile(join(folder, 'secret.txt'), 'utf8')).toBe('secret');
  });
});

describe('under pressure', () => {
  let before: typeof server;
  beforeAll(async () => {
    before = server;
    server = await startServer({ ...options, patience: 400 });
  });
  afterAll(async () => {
    await server.close();
    server = before;
  });

  /** On a busy machine a server of little patience may cut us as well, and serves us the next time. */
  const answers = () =>
    expect
      .poll(
        () =>
          about(bearer()).then(
            ({ status }) => status,
            (error: Error) => error.message,
          ),
        { timeout: 60_000 },
      )
      .toBe(200);

  /** Writes to a raw connection and gives all that came when it closed. */
  const talk = (write: (socket: Socket) => void) =>
    new Promise<string>((resolve) => {
      const socket = connect(server.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
      write(socket);
    });

  it('survives requests that are none', async () => {
    for (const target of ['//', 'http://[', '/%', '*', 'http://a b', '\\\\', 'x'.repeat(20_000)]) {
      const answer = await talk((socket) =>
        socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n${bearerLine()}Connection: close\r\n\r\n`),
      );
      expect(answer, target.slice(0, 20)).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
    for (const bytes of ['\0\0\0', 'GET', '\x16\x03\x01\x02\0\x01', 'GET / HTTP/9.9\r\n\r\n'])
      await talk((socket) => socket.end(bytes));
    await answers();
    expect(logged.filter((line) => line.startsWith('Failed'))).toEqual([]);
  });

  it('cuts a client that sends its body drop by drop', async () => {
    const answer = await talk((socket) => {
      socket.write(
        `POST /api/desktop/about HTTP/1.1\r\nHost: localhost\r\n${bearerLine()}Content-Type: application/json\r\nContent-Length: 900\r\n\r\n`,
      );
      const drops = setInterval(() => socket.write('['), 100);
      socket.on('close', () => clearInterval(drops));
    });
    expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  it('cuts clients that do not read what they asked for, and serves the others', async () => {
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${bearerLine()}\r\n`;
    const cut = ['/assets/large.js', '/api/events'].map((path) => {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(request(path));
      socket.pause();
      return socket;
    });
    const description = 'x'.repeat(100_000);
    for (let i = 0; i < 100; i++) {
      tell({ state: 'ready', device: { name: 'cpu', description } });
      await new Promise((done) => setTimeout(done, 5));
    }
    await answers();
    await expect
      .poll(
        () => {
          for (const socket of cut) socket.write(' '); // tells whether the other end is gone
          return cut.every((socket) => socket.destroyed);
        },
        { timeout: 60_000 },
      )
      .toBe(true);
  });

  it('answers beside 2,000 connections that say nothing, and closes most of them', async () => {
    const sockets: Socket[] = [];
    for (let i = 0; i < 20; i++) {
      const opened = Array.from({ length: 100 }, () => {
        const socket = connect(server.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.resume();
        return socket;
      });
      sockets.push(...opened);
      await Promise.all(
        opened.map((socket) => new Promise((done) => socket.once('connect', done).once('close', done))),
      );
      await answers();
    }
    await expect
      .poll(() => sockets.filter((socket) => !socket.closed).length, { timeout: 60_000 })
      .toBeLessThanOrEqual(256);
    for (const socket of sockets) socket.destroy();
  });

  it.each(['[', '{"a":', '[[],'])('refuses a body of many %s in a sentence', async (piece) => {
    const large = await startServer({ ...serving.options });
    try {
      const body = `{"value":${piece.repeat(4_000_000 / piece.length)}`;
      const answer = await fetch(`http://127.0.0.1:${large.port}/api/desktop/writePreferences`, {
        method: 'POST',
        headers: { ...json, authorization: `Bearer ${large.token}` },
        body,
      });
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringMatching(/^A request may nest /)]);
    } finally {
      await large.close();
    }
  });

  it('answers beside 200 half-open connections, and cuts them', async () => {
    const sockets: Socket[] = [];
    const closed: Promise<void>[] = [];
    for (let i = 0; i < 200; i++) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
      closed.push(new Promise((resolve) => socket.on('close', () => resolve())));
      sockets.push(socket);
    }
    await answers();
    for (const socket of sockets) socket.resume();
    await Promise.all(closed);
    await answers();
  });
});

describe('noiseloom serve', () => {
  it('prints the address, serves the window at it, and ends in order when told to', async () => {
    const result = await runCli(['serve', serving.folder, '--port', '0', '--json', '--device', 'cpu'], {
      cwd: serving.folder,
      env: { NOISELOOM_DATA: join(serving.folder, 'data') },
      onStderr: (text, kill) => {
        if (text.includes('Running on cpu')) kill('SIGTERM');
      },
    });
    const { url } = result.json()[0] as { url: string };
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/);
    expect(result.code).toBe(0);
    await expect(fetch(url)).rejects.toThrow(); // nobody is left behind
  }, 240_000); // the window may be built first

  it('refuses a port that is taken, and a folder that is not there, in a sentence', async () => {
    const taken = await runCli(['serve', '.', '--port', String(server.port)], { cwd: serving.folder });
    expect(taken).toMatchObject({ code: 1, stdout: '' });
    expect(taken.stderr).toContain(`The port ${server.port} of 127.0.0.1 is taken`);
    const absent = await runCli(['serve', 'nowhere'], { cwd: serving.folder });
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('There is no folder');
  }, 240_000); // the window may be built first
});
