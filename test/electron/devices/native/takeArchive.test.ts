import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { addonPath, nativeBuilds, nativeRoot } from '../../../../electron/devices/native/nativeFolders.ts';
import { TFJS_VERSION, takeArchive } from '../../../../electron/devices/native/takeArchive.ts';
import { nativeBuild, serveNativeArchive } from '../../../support/nativeArchive.ts';

const build = nativeBuild();
let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'noiseloom-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

it('asks for the addon of the tfjs-node that is bundled', async () => {
  const require = createRequire(import.meta.url);
  const manifest = JSON.parse(await readFile(require.resolve('@tensorflow/tfjs-node-gpu/package.json'), 'utf8'));
  expect(TFJS_VERSION).toBe(manifest.version);
});

it.skipIf(!build || process.platform !== 'linux')(
  'goes on with broken downloads, and what it unpacks loads',
  async () => {
    const archive = await serveNativeArchive(build as string, cache);
    try {
      vi.stubEnv('TFJS_NODE_CDN_STORAGE', archive.host);
      const folder = await takeArchive('cpu');
      expect(nativeBuilds(['cpu'])).toEqual([folder]);
      expect(archive.asked.map((each) => each.replace(/^.*\//, '').replace(/\d+-$/, 'N-'))).toEqual([
        `CPU-linux-${TFJS_VERSION}.tar.gz`,
        `CPU-linux-${TFJS_VERSION}.tar.gz bytes=N-`,
        'libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz',
        'libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz bytes=N-',
      ]);
      expect(await readdir(join(nativeRoot(), 'downloads'))).toEqual([]);
      const program = 'console.log(require(process.argv[1]).TF_Version)';
      const version = execFileSync(process.execPath, ['-e', program, addonPath(folder) as string], {
        encoding: 'utf8',
        env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
      });
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
    } finally {
      await archive.close();
    }
  },
);

it.skipIf(!build)('leaves no half of a build where it is stopped, and keeps what has arrived', async () => {
  const archive = await serveNativeArchive(build as string, cache);
  try {
    vi.stubEnv('TFJS_NODE_CDN_STORAGE', archive.host);
    const stop = new AbortController();
    const taking = takeArchive('cpu', { signal: stop.signal, emit: () => stop.abort() });
    await expect(taking).rejects.toThrow();
    expect(stop.signal.aborted).toBe(true);
    expect(nativeBuilds(['cpu'])).toEqual([]);
    expect((await readdir(join(nativeRoot(), 'downloads', 'archive-cpu'))).length).toBe(1);
  } finally {
    await archive.close();
  }
});
