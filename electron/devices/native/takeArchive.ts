import { execFile } from 'node:child_process';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type DownloadOptions, download } from './download.ts';
import { addonPath, archiveAddon, type NativeKind, nativeFolder, nativeRoot } from './nativeFolders.ts';
import { replaceFolder } from './replaceFolder.ts';

/** The version of tfjs-node that this program is built with: its addon must fit. */
export const TFJS_VERSION = '4.22.0';
const NAPI = 8; // the newest interface that the published addons were built for

/** Where tfjs-node's own installer looks, too: TFJS_NODE_CDN_STORAGE names a mirror. */
function host(): string {
  return (process.env.TFJS_NODE_CDN_STORAGE || 'https://storage.googleapis.com').replace(/\/$/, '');
}

interface Archive {
  readonly version: string;
  readonly url: string;
}

/** TensorFlow's libraries where tfjs-node's own installer takes them from. */
function findLibraries(kind: NativeKind): Archive | undefined {
  const released = (name: string, ending: string) => ({
    version: '2.9.1',
    url: `${host()}/tensorflow/libtensorflow/libtensorflow-${name}-2.9.1.${ending}`,
  });
  const early = (name: string) => ({ version: '2.7.0', url: `${host()}/tf-builds/libtensorflow_r2_7_${name}.tar.gz` });
  const archives: Record<string, Archive> = {
    'linux-x64-cpu': released('cpu-linux-x86_64', 'tar.gz'),
    'linux-x64-cuda': released('gpu-linux-x86_64', 'tar.gz'),
    'darwin-x64-cpu': released('cpu-darwin-x86_64', 'tar.gz'),
    'win32-x64-cpu': released('cpu-windows-x86_64', 'zip'),
    'win32-x64-cuda': released('gpu-windows-x86_64', 'zip'),
    'linux-arm64-cpu': early('linux_arm64'),
    'darwin-arm64-cpu': early('darwin_arm64_cpu'),
  };
  return archives[`${process.platform}-${process.arch}-${kind}`];
}

/**
 * Takes the addon and the libraries that tfjs-node publishes: an older TensorFlow, but nothing needs compiling.
 * Downloads go on where they stopped. Returns the folder; throws an Error that says what is in the way.
 */
export async function takeArchive(kind: NativeKind, options: DownloadOptions = {}): Promise<string> {
  const libraries = findLibraries(kind);
  if (!libraries) throw new Error(`None is published for ${process.platform}-${process.arch}-${kind}.`);
  const system = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[process.platform as string];
  const ending = process.platform === 'win32' ? 'zip' : 'tar.gz';
  const type = kind === 'cuda' ? 'GPU' : 'CPU';
  const addon = `${host()}/tf-builds/pre-built-binary/napi-v${NAPI}/${TFJS_VERSION}/${type}-${system}-${TFJS_VERSION}.${ending}`;

  const downloads = join(nativeRoot(), 'downloads', `archive-${kind}`);
  const packed = [addon, libraries.url].map((url) => ({ url, path: join(downloads, basename(url)) }));
  for (const { url, path } of packed) await download(url, path, options);

  const folder = nativeFolder(libraries.version, kind);
  await replaceFolder(folder, async (fresh) => {
    await unpack(packed[0]?.path ?? '', join(fresh, archiveAddon, '..', '..'));
    await unpack(packed[1]?.path ?? '', join(fresh, 'deps'));
    if (process.platform === 'win32')
      await copyFile(join(fresh, 'deps', 'lib', 'tensorflow.dll'), join(fresh, archiveAddon, '..', 'tensorflow.dll'));
    if (!addonPath(fresh)) throw new Error('The archive does not hold the addon where it used to.');
  });
  await rm(downloads, { recursive: true });
  return folder;
}

/** By the `tar` of the system, which Windows has too and which there also unpacks zip files. */
async function unpack(path: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await promisify(execFile)('tar', ['-xf', path, '-C', to]).catch(
    async (error: { stderr?: string; message: string }) => {
      await rm(path, { force: true }); // what is damaged is downloaded anew
      throw new Error(`${path} cannot be unpacked: ${(error.stderr || error.message).trim()}`);
    },
  );
}
