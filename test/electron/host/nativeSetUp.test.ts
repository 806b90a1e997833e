import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { NativeSetUp } from '../../../electron/host/ipc.ts';
import { nativeSetUp } from '../../../electron/host/nativeSetUp.ts';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'noiseloom-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  vi.stubEnv('LOCALAPPDATA', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

/** What is told from the start to the end of a set-up for which a server answers with a status, or not at all. */
async function toldWhere(status: number | undefined, stop = false): Promise<NativeSetUp[]> {
  const server = createServer((_request, response) => status && response.writeHead(status).end());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  vi.stubEnv('TFJS_NODE_CDN_STORAGE', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const told: NativeSetUp[] = [];
  await new Promise<void>((done) => {
    const setUp = nativeSetUp(
      (state) => {
        told.push(state);
        if (state.state !== 'running') done();
      },
      async () => [],
    );
    setUp.start();
    setUp.start(); // one at a time
    if (stop) setUp.stop();
  });
  server.closeAllConnections();
  server.close();
  return told;
}

it('says in a sentence why native TensorFlow cannot be had', async () => {
  const told = await toldWhere(404);
  expect(told.map(({ state }) => state)).toEqual(['running', 'failed']);
  expect(told[1]).toMatchObject({
    problem: {
      code: 'SETUP_FAILED',
      message: expect.stringMatching(
        /^Native TensorFlow could not be set up: http:\S+ cannot be downloaded: the server answers 404 Not Found\. What/,
      ),
    },
  });
});

it('stops when it is told to', async () => {
  expect((await toldWhere(undefined, true)).map(({ state }) => state)).toEqual(['running', 'stopped']);
});
