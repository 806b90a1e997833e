import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { download } from '../../../../electron/devices/native/download.ts';
import { breakConnection } from '../../../support/breakConnection.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Serves with `answer` while `use` runs, and returns the ranges that were asked for. */
async function serving(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  use: (url: string) => Promise<void>,
): Promise<(string | undefined)[]> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/file`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return ranges;
}

it('goes on with a download where it broke off', async () => {
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  const path = join(folder, 'file');
  const ranges = await serving(
    ({ headers }, response) => {
      const start = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': content.length - start });
      const piece = content.subarray(start, start + 12_000);
      const end = start + piece.length;
      if (end === content.length) response.end(piece);
      else response.write(piece, () => void breakConnection(response, folder, end));
    },
    (url) => download(url, path),
  );
  expect((await readFile(path)).equals(content)).toBe(true);
  expect(await readdir(folder)).toEqual(['file']);
  expect(ranges).toEqual([undefined, ...Array.from({ length: 8 }, (_, i) => `bytes=${12_000 * (i + 1)}-`)]);
});

it('starts again where the server ignores ranges', async () => {
  await writeFile(join(folder, 'file.part'), 'of another file');
  await serving(
    (_, response) => response.end('whole'),
    (url) => download(url, join(folder, 'file')),
  );
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('whole');
});

it('names the address that is not there, and asks once', async () => {
  const ranges = await serving(
    (_, response) => response.writeHead(404).end(),
    async (url) => {
      await expect(download(url, join(folder, 'file'))).rejects.toThrow(
        `${url} cannot be downloaded: the server answers 404 Not Found.`,
      );
    },
  );
  expect(ranges).toHaveLength(1);
});
