import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ADDON_NAME, addonPath, nativeBuilds } from '../../electron/devices/native/nativeFolders.ts';
import { breakConnection } from './breakConnection.ts';

/** A server of the archives of native TensorFlow. */
export interface NativeArchive {
  /** What TFJS_NODE_CDN_STORAGE is set to. */
  readonly host: string;
  /** Paths that were asked for, with the range. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** Undefined where this machine has no native TensorFlow. */
export function nativeBuild(): string | undefined {
  return nativeBuilds(['cpu'])[0];
}

/**
 * Serves this machine's own native TensorFlow as tfjs-node's archives hold theirs, with links to it in place of copies.
 * Each connection breaks once, half way, when that half has arrived in `cache`.
 */
export async function serveNativeArchive(build: string, cache: string): Promise<NativeArchive> {
  const folder = await mkdtemp(join(tmpdir(), 'noiseloom-archive-'));
  const addon = addonPath(build) as string;
  await mkdir(join(folder, 'addon', 'napi-v8'), { recursive: true });
  await symlink(addon, join(folder, 'addon', 'napi-v8', ADDON_NAME));
  await symlink(join(dirname(addon), 'tensorflow'), join(folder, 'addon', 'napi-v8', 'tensorflow'));
  await mkdir(join(folder, 'libraries', 'lib'), { recursive: true });
  const packed = await Promise.all(
    ['addon', 'libraries'].map(async (name) => {
      execFileSync('tar', ['-czf', join(folder, `${name}.tar.gz`), '-C', join(folder, name), '.']);
      return readFile(join(folder, `${name}.tar.gz`));
    }),
  );
  const asked: string[] = [];
  const broken = new Set<string>();
  const server = createServer(({ url = '', headers }, response) => {
    asked.push(`${url} ${headers.range ?? ''}`.trim());
    const content = packed[/pre-built-binary/.test(url) ? 0 : 1] as Buffer;
    const start = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': content.length - start });
    if (broken.has(url)) response.end(content.subarray(start));
    else {
      broken.add(url);
      const half = Math.ceil(content.length / 2);
      response.write(content.subarray(start, half));
      void breakConnection(response, cache, half);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    host: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}
