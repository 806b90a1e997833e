import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { download } from '../../build/native/download.ts';
import { isWholeZip, readZipText, unpackZip } from '../../build/native/zip.ts';

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
      response.write(piece);
      setTimeout(() => (start + piece.length < content.length ? response.destroy() : response.end()), 50);
    },
    (url) => download(url, path),
  );
  expect((await readFile(path)).equals(content)).toBe(true);
  expect(await readdir(folder)).toEqual(['file']);
  expect(ranges.some((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
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

it('unpacks the chosen files of a zip', async () => {
  const path = join(folder, 'a.zip');
  const large = new Uint8Array(200_000).map((_, i) => (i * i) % 256);
  await writeFile(
    path,
    zipSync({ 'a/large': large, 'a/stored': [large, { level: 0 }], 'a/empty': new Uint8Array(), 'b/other': large }),
  );
  await unpackZip(path, (name) => (name.startsWith('a/') ? join(folder, 'out', name) : undefined));
  expect((await readFile(join(folder, 'out/a/large'))).equals(large)).toBe(true);
  expect((await readFile(join(folder, 'out/a/stored'))).equals(large)).toBe(true);
  expect((await readFile(join(folder, 'out/a/empty'))).length).toBe(0);
  expect(await readdir(join(folder, 'out'))).toEqual(['a']);
});

it('reads one text out of a zip', async () => {
  const path = join(folder, 'a.zip');
  await writeFile(path, zipSync({ 'x-1/METADATA': new TextEncoder().encode('Name: x'), other: new Uint8Array(10) }));
  expect(await readZipText(path, (name) => name.endsWith('/METADATA'))).toBe('Name: x');
});

it('says that a zip is not whole', async () => {
  const path = join(folder, 'a.zip');
  const whole = zipSync({ a: new Uint8Array(1000) });
  await writeFile(path, whole.subarray(0, whole.length - 30));
  expect(await isWholeZip(path)).toBe(false);
  await expect(unpackZip(path, () => join(folder, 'a'))).rejects.toThrow('is no whole zip file.');
});
