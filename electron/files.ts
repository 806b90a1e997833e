import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { GraphError } from '../nodes/errors.ts';
import { type Files, isPlainName, type OpenFile } from '../nodes/files.ts';
import { isInside, refuseUnnamed } from './paths.ts';

/** Folders that a location may lie in; all absolute. */
export interface FileFolders {
  /** Holds what `builtin:NAME` means. */
  readonly builtinFolder: string;
  /** Models that the user pulled, as `owner/name`. */
  readonly modelsFolder: string;
  /** The Hugging Face cache (`~/.cache/huggingface/hub`), read only. */
  readonly hubCache: string;
  /** What relative paths start from. */
  readonly workingFolder: string;
  /** Whether the user lets graphs read a path, links followed, that lies in none of the folders of models. */
  mayRead(path: string): Promise<boolean>;
}

/**
 * The disk of this machine as the engine sees it. Graphs and models come from strangers: every method rejects with
 * GraphError `NOT_ALLOWED` for a path, links followed, outside the folders of models and what the user lets be read.
 */
export function openFiles(folders: FileFolders): Files {
  const fingerprints = new Map<string, string>();
  const allowed = new Set<string>();
  const allow = async (path: string) => {
    if (allowed.has(path)) return;
    await refuseOutside(path, folders);
    allowed.add(path);
  };
  return {
    locate: (location) => locate(location, folders, allow),
    async read(path, start, end, scratch) {
      await allow(path);
      return readRange(path, start, end, scratch);
    },
    async open(path) {
      await allow(path);
      return openFile(path);
    },
    async size(path) {
      await allow(path);
      const found = await statOf(path);
      return found?.isFile() ? found.size : undefined;
    },
    async list(path) {
      await allow(path);
      return listFolder(path);
    },
    fingerprint: (path) => fingerprint(path, { known: fingerprints, allow, above: [], left: MAX_FILES }),
    decodeImage,
  };
}

/**
 * Writes a whole file or nothing: a temporary file in the same folder, flushed to the disk, then renamed over `path`.
 * The folder must exist. Throws GraphError `WRITE_FAILED`, and then what was there is unchanged.
 */
export async function writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // a disk that went read-only keeps it
    throw writeFailed(path, error);
  }
}

/** Makes a folder and those above it where there is none. Throws GraphError `WRITE_FAILED`. */
export async function makeFolder(path: string): Promise<void> {
  const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;
  try {
    await mkdir(path); // Node's own recursive way never ends where the system answers as /proc does
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await statOf(path))?.isDirectory()) return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw writeFailed(path, error);
    await makeFolder(dirname(path));
    await mkdir(path).catch((again) => {
      if (codeOf(again) !== 'EEXIST') throw writeFailed(path, again);
    });
  }
}

/** What a disk refuses to do, in words. */
const refusals: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk has no more room for this user',
  EROFS: 'the disk is read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  ENOENT: 'the folder is not there',
  ENOTDIR: 'what should be a folder is a file',
  EISDIR: 'there is a folder of that name',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the disk failed',
};

/** A failure of the disk in a sentence; what is none, or is one already, stays as it is. */
function writeFailed(path: string, cause: unknown): unknown {
  if (!isDiskError(cause)) return cause;
  const message = `"${path}" cannot be written: ${reasonOf(cause)}. What was there is unchanged.`;
  return new GraphError('WRITE_FAILED', message, { cause });
}

/** Whether an error is a disk that refuses to be written. */
export function isDiskError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && Object.hasOwn(refusals, String(error.code));
}

/** Why something could not be written, in words without a full stop; `error` is the disk's, or a `WRITE_FAILED` made of it. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof GraphError && error.code === 'WRITE_FAILED' ? error.cause : error;
  if (isDiskError(cause)) return refusals[String(cause.code)]!;
  return cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause);
}

async function locate(location: string, folders: FileFolders, allow: (path: string) => Promise<void>): Promise<string> {
  const candidates = await candidatesOf(location, folders);
  for (const path of candidates) {
    await allow(path);
    if (await statOf(path)) return sep === '\\' ? path.replaceAll('\\', '/') : path;
  }
  const places = candidates.map((path) => `"${path}"`).join(', ') || 'nowhere, since it is no valid name';
  const builtin = location.startsWith('builtin:') ? ` Built in are: ${await builtinNames(folders)}.` : '';
  const isHubName = /^[\w.-]+\/[\w.-]+$/.test(location) && isPlainName(location);
  const hub = isHubName ? ` A model of the hub is downloaded by: noiseloom models pull ${location}` : '';
  throw new GraphError('NOT_FOUND', `There is no "${location}"; looked for ${places}.${builtin}${hub}`);
}

/** Throws GraphError `NOT_ALLOWED` where graphs may not read a path. */
async function refuseOutside(path: string, folders: FileFolders): Promise<void> {
  const { builtinFolder, modelsFolder, hubCache, workingFolder } = folders;
  if (!isInside(path, workingFolder)) refuseUnnamed(path);
  if ([builtinFolder, modelsFolder, hubCache].some((folder) => isInside(path, folder))) return;
  const real = await realpath(path).catch(() => resolve(path));
  if (await folders.mayRead(real)) return;
  const leads = real === resolve(path) ? '' : ` leads to "${real}", which`;
  throw new GraphError(
    'NOT_ALLOWED',
    `"${path}"${leads} lies outside the folders that graphs may read. Put it beside the graph, choose it in the editor, or name its folder with --allow.`,
  );
}

/** Where a location may be, in the order of looking. */
async function candidatesOf(location: string, folders: FileFolders): Promise<string[]> {
  if (location.startsWith('builtin:')) {
    const name = location.slice('builtin:'.length);
    return isPlainName(name) ? [join(folders.builtinFolder, name)] : [];
  }
  if (location === '' || location.includes('\0')) return [];
  refuseUnnamed(location);
  if (/^~[\\/]/.test(location)) return [join(homedir(), location.slice(2))];
  const path = resolve(folders.workingFolder, location);
  if (isAbsolute(location) || /^\.\.?([\\/]|$)/.test(location) || !isPlainName(location)) return [path];
  const [owner, name, ...rest] = location.split('/');
  if (!owner || !name) return [path];
  const snapshot = await snapshotOf(join(folders.hubCache, `models--${owner}--${name}`));
  return [path, join(folders.modelsFolder, location), join(snapshot, ...rest)];
}

/** The snapshot folder of a hub cache entry: the commit that `refs/main` names, else the only snapshot there is. */
async function snapshotOf(entry: string): Promise<string> {
  const snapshots = join(entry, 'snapshots');
  if (await statOf(join(entry, 'refs', 'main'))) {
    const commit = new TextDecoder().decode(await readRange(join(entry, 'refs', 'main'))).trim();
    if (isPlainName(commit)) return join(snapshots, commit);
  }
  const [only, ...others] = (await listFolder(snapshots)) ?? [];
  return only?.endsWith('/') && others.length === 0 ? join(snapshots, only.slice(0, -1)) : join(snapshots, 'main');
}

async function builtinNames({ builtinFolder }: FileFolders): Promise<string> {
  const names = ((await listFolder(builtinFolder)) ?? []).map((name) => name.replace(/\/$/, ''));
  return names.join(', ') || 'none';
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw readFailed(path, error);
  }
}

async function readRange(path: string, start?: number, end?: number, scratch?: Uint8Array): Promise<Uint8Array> {
  const file = await openFile(path);
  try {
    return await file.read(start, end, scratch);
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<OpenFile> {
  const { file, size } = await handleOf(path);
  return {
    close: () => file.close(),
    async read(start = 0, end = size, scratch) {
      if (start < 0 || end > size || end < start)
        throw new GraphError('READ_FAILED', `"${path}" has ${size} bytes, not the bytes ${start} to ${end}.`);
      const length = end - start;
      const bytes = scratch && scratch.length >= length ? scratch.subarray(0, length) : new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const wanted = Math.min(length - done, 1 << 30);
        const { bytesRead } = await file.read(bytes, done, wanted, start + done).catch((error: unknown) => {
          throw readFailed(path, error);
        });
        if (bytesRead === 0) throw new GraphError('READ_FAILED', `"${path}" became shorter while it was read.`);
        done += bytesRead;
      }
      return bytes;
    },
  };
}

async function handleOf(path: string): Promise<{ file: FileHandle; size: number }> {
  try {
    const found = await stat(path);
    if (found.isFile()) return { file: await open(path, 'r'), size: found.size }; // to open a pipe waits for ever
  } catch (error) {
    throw readFailed(path, error);
  }
  throw new GraphError('READ_FAILED', `"${path}" is no file.`);
}

async function listFolder(path: string): Promise<string[] | undefined> {
  try {
    if (!(await statOf(path))?.isDirectory()) return undefined;
    const names = await readdir(path);
    const folders = await Promise.all(names.map(async (name) => (await statOf(join(path, name)))?.isDirectory()));
    return names.map((name, i) => (folders[i] ? `${name}/` : name)).sort();
  } catch (error) {
    throw error instanceof GraphError ? error : readFailed(path, error);
  }
}

/** Files and folders inside a folder that is fingerprinted. */
const MAX_FILES = 100_000;

interface Fingerprinting {
  readonly known: Map<string, string>;
  allow(path: string): Promise<void>;
  /** The folders around the one at hand, links followed. */
  readonly above: readonly string[];
  /** How many files and folders there may still be. */
  left: number;
}

/** A file: sha256 of its bytes. A folder: sha256 of the lines "fingerprint name" of what it holds, by name. */
async function fingerprint(path: string, given: Fingerprinting): Promise<string> {
  const { known, allow, above } = given;
  await allow(path);
  const found = await statOf(path);
  if (!found) throw new GraphError('NOT_FOUND', `There is no file or folder "${path}".`);
  if (given.left-- <= 0)
    throw new GraphError(
      'TOO_LARGE',
      `"${path}" lies in a folder of more than ${MAX_FILES} files: choose a smaller one.`,
    );
  if (found.isDirectory()) {
    const real = await realpath(path);
    if (above.includes(real)) throw new GraphError('READ_FAILED', `"${path}" is a link to a folder that it lies in.`);
    const inside = { ...given, above: [...above, real] };
    const folder = createHash('sha256');
    for (const name of (await listFolder(path)) ?? [])
      folder.update(`${await fingerprint(join(path, name), inside)} ${name}\n`);
    given.left = inside.left;
    return folder.digest('hex');
  }
  if (!found.isFile()) throw new GraphError('READ_FAILED', `"${path}" is no file.`);
  const key = `${resolve(path)}\n${found.size}\n${found.mtimeMs}`;
  const remembered = known.get(key);
  if (remembered) return remembered;
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw readFailed(path, error);
  }
  const hex = hash.digest('hex');
  known.set(key, hex);
  return hex;
}

/** Pixels of a picture from a file: 8192x8192. */
const MAX_PIXELS = 2 ** 26;

let sharp: Promise<typeof import('sharp').default> | undefined;

/**
 * Only what decodes pictures loads it. Of its formats, those that draw, as SVG does, or run other programs are shut off, once
 * and for all: while they are being shut off, no picture can be decoded.
 */
function loadSharp(): Promise<typeof import('sharp').default> {
  sharp ??= import('sharp').then(({ default: loaded }) => {
    loaded.block({ operation: ['VipsForeignLoad'] });
    const formats = ['Png', 'Jpeg', 'Webp', 'Heif', 'Nsgif', 'Tiff'];
    loaded.unblock({ operation: formats.map((format) => `VipsForeignLoad${format}`) });
    return loaded;
  });
  return sharp;
}

async function decodeImage(bytes: Uint8Array): Promise<{ width: number; height: number; rgb: Uint8Array }> {
  const load = await loadSharp();
  try {
    const picture = load(bytes, { limitInputPixels: MAX_PIXELS })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha();
    const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels after conversion`);
    return { width: info.width, height: info.height, rgb: new Uint8Array(data) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (reason.includes('pixel limit'))
      throw new GraphError('TOO_LARGE', `The picture has too many pixels; at most ${MAX_PIXELS} are read.`, { cause });
    throw new GraphError('BAD_IMAGE', `These ${bytes.length} bytes are no picture that can be read: ${reason}.`, {
      cause,
    });
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function readFailed(path: string, cause: unknown): GraphError {
  if (isAbsent(cause)) return new GraphError('NOT_FOUND', `There is no file "${path}".`, { cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GraphError('READ_FAILED', `"${path}" could not be read: ${reason}.`, { cause });
}
