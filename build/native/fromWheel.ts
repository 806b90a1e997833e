import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type NativeKind, nativeFolder, nativeRoot } from '../../electron/devices/native/nativeFolders.ts';
import { replaceFolder } from '../../electron/devices/native/replaceFolder.ts';
import { compileAddons, findCompiler, firstThatRuns } from './compile.ts';
import { isWholeZip, readZipText, unpackZip } from './zip.ts';

const VERSION = '2.21.0';

/** The wheel with the libraries of each kind; 'tensorflow' computes on NVIDIA cards on Linux and on the processor elsewhere. */
const wheels: Partial<Record<`${NodeJS.Platform}-${string}-${NativeKind}`, string>> = {
  'linux-x64-cpu': 'tensorflow-cpu',
  'linux-x64-cuda': 'tensorflow',
  'linux-arm64-cpu': 'tensorflow',
  'darwin-arm64-cpu': 'tensorflow',
};

/**
 * Builds tfjs-node's own addon against the libraries of a TensorFlow wheel. The wheel is kept until the build is done,
 * so that an interrupted one goes on from there. Returns the folder; throws an Error that says what is missing.
 */
export async function buildFromWheel(kind: NativeKind): Promise<string> {
  const wheel = wheels[`${process.platform}-${process.arch}-${kind}`];
  if (!wheel) throw new Error(`There is no wheel to build from for ${process.platform}-${process.arch}-${kind}.`);
  const compiler = findCompiler();
  const pip = firstThatRuns([['pip'], ['pip3'], ['python3', '-m', 'pip'], ['python', '-m', 'pip']]);
  if (!pip) throw new Error('pip, which downloads TensorFlow, is missing (Debian: python3-pip).');

  const downloads = join(nativeRoot(), 'downloads', `${VERSION}-${kind}`);
  await mkdir(downloads, { recursive: true });
  await refuseLittleSpace(kind === 'cuda' ? 12e9 : 1.5e9);
  const libraries = await fetchWheel(pip, downloads, wheel, `==${VERSION}`);
  const partners = kind === 'cuda' ? await cudaWheels(libraries) : [];
  const others: string[] = [];
  for (const [name, constraint] of partners) others.push(await fetchWheel(pip, downloads, name, constraint));

  const folder = nativeFolder(VERSION, kind);
  await replaceFolder(folder, async (fresh) => {
    console.error('Unpacking the libraries ...');
    await unpackZip(libraries, (name) => (isNeeded(name) ? join(fresh, name) : undefined));
    for (const other of others) {
      await unpackZip(other, (name) => (/^nvidia\/.*\.so[.\d]*$/.test(name) ? join(fresh, name) : undefined));
    }
    console.error('Compiling the addon ...');
    compileAddons(compiler, fresh);
    await rm(join(fresh, 'tensorflow', 'include'), { recursive: true });
  });
  await rm(downloads, { recursive: true });
  return folder;
}

/** TensorFlow's two libraries and the headers of its C interface. */
function isNeeded(name: string): boolean {
  return (
    /^tensorflow\/libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$/.test(name) ||
    /^tensorflow\/include\/(tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/.*\.h$/.test(name)
  );
}

/** Path of the wheel, downloaded by pip unless it is there from an earlier attempt. */
async function fetchWheel(pip: string[], folder: string, name: string, constraint: string): Promise<string> {
  const find = async () => {
    const files = await readdir(folder);
    const file = files.find((file) => file.startsWith(`${name.replaceAll('-', '_')}-`) && file.endsWith('.whl'));
    return file && join(folder, file);
  };
  const found = await find();
  if (found && (await isWholeZip(found))) return found;
  if (found) await rm(found);
  console.error(`Downloading ${name} ${constraint} ...`);
  const wanted = ['download', '--no-deps', '--only-binary=:all:', '--dest', folder, `${name}${constraint}`];
  // The wheel of any Python will do, so ask for another where this one is too old or too new.
  for (const extra of [[], ['--python-version', '3.12']]) {
    const [command = '', ...first] = pip;
    spawnSync(command, [...first, ...wanted, ...extra], { stdio: ['ignore', 2, 2] });
    const wheel = await find();
    if (wheel) return wheel;
  }
  throw new Error(`pip could not download ${name} ${constraint}; what it printed stands above.`);
}

/** The wheels of CUDA libraries that a TensorFlow wheel says it runs with: [name, constraint]. */
async function cudaWheels(tensorflow: string): Promise<[string, string][]> {
  const metadata = await readZipText(tensorflow, (name) => name.endsWith('.dist-info/METADATA'));
  const lines = metadata.matchAll(/^Requires-Dist: (nvidia-[\w-]+)\s*\(?([<>=!~.,\d]*)\)?;.*and-cuda/gm);
  return [...lines].map(([, name = '', constraint = '']) => [name, constraint]);
}

async function refuseLittleSpace(bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(nativeRoot());
  if (bavail * bsize > bytes) return;
  const gigabytes = (n: number) => (n / 1e9).toFixed(1);
  throw new Error(`${nativeRoot()} has ${gigabytes(bavail * bsize)} GB free, and this needs ${gigabytes(bytes)} GB.`);
}
