import { realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { type Files, isPlainName } from '../../nodes/files.ts';
import { escapeControls } from '../../nodes/quote.ts';
import { listFolder, openFile, readRange, readStats } from './disk.ts';
import { fingerprints } from './fingerprints.ts';
import { expandHome, isInside, refuseUnnamed } from './paths.ts';

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
  /** Where the fingerprints of large files are kept from one process to the next; nowhere by default. */
  readonly fingerprints?: string;
  /** Whether the user lets graphs read a path, links followed, that lies in none of the folders of models. */
  mayRead(path: string): Promise<boolean>;
}

/**
 * The disk of this machine as the engine sees it. Graphs and models come from strangers: every method rejects with
 * UserError `NOT_ALLOWED` for a path, links followed, outside the folders of models and what the user lets be read.
 */
export function openFiles(folders: FileFolders): Files {
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
      const found = await readStats(path);
      return found?.isFile() ? found.size : undefined;
    },
    async list(path) {
      try {
        await allow(path);
      } catch (error) {
        const readable = await readableIn(path, folders);
        if (readable.length === 0) throw error;
        return readable;
      }
      return listFolder(path);
    },
    fingerprint: fingerprints(folders.fingerprints, allow),
    decodeImage,
  };
}

async function locate(location: string, folders: FileFolders, allow: (path: string) => Promise<void>): Promise<string> {
  const candidates = await listCandidates(location, folders);
  for (const path of candidates) {
    await allow(path);
    if (await readStats(path)) return sep === '\\' ? path.replaceAll('\\', '/') : path;
  }
  const places = candidates.map((path) => `"${path}"`).join(', ') || 'nowhere, since it is no valid name';
  const builtin = location.startsWith('builtin:') ? ` Built in are: ${await builtinNames(folders)}.` : '';
  const isHubName = /^[\w.-]+\/[\w.-]+$/.test(location) && isPlainName(location);
  const hub = isHubName ? ` A model of the hub is downloaded by: noiseloom models pull ${location}` : '';
  throw new UserError('NOT_FOUND', `There is no "${location}"; looked for ${places}.${builtin}${hub}`);
}

/** Throws UserError `NOT_ALLOWED` where graphs may not read a path. */
async function refuseOutside(path: string, folders: FileFolders): Promise<void> {
  const { builtinFolder, modelsFolder, hubCache, workingFolder } = folders;
  if (!isInside(path, workingFolder)) refuseUnnamed(path);
  if ([builtinFolder, modelsFolder, hubCache].some((folder) => isInside(path, folder))) return;
  const real = await realpath(path).catch(() => resolve(path));
  if (await folders.mayRead(real)) return;
  const leads = real === resolve(path) ? '' : ` leads to "${real}", which`;
  throw new UserError(
    'NOT_ALLOWED',
    `"${path}"${leads} lies outside the folders that graphs may read. Put it beside the graph, choose it in the editor, or name its folder with --allow.`,
  );
}

/** The names in a folder that graphs may not read as a whole: those that they may, as beside a file that the user named. */
async function readableIn(folder: string, { workingFolder, mayRead }: FileFolders): Promise<string[]> {
  if (!isInside(folder, workingFolder)) refuseUnnamed(folder);
  const real = await realpath(folder).catch(() => undefined);
  const names = real === undefined ? [] : ((await listFolder(real)) ?? []);
  const readable = await Promise.all(
    names.map(async (name) => mayRead(await realpath(join(real as string, name)).catch(() => ''))),
  );
  return names.filter((_, i) => readable[i]);
}

/** Where a location may be, in the order of looking. */
async function listCandidates(location: string, folders: FileFolders): Promise<string[]> {
  if (location.startsWith('builtin:')) {
    const name = location.slice('builtin:'.length);
    return isPlainName(name) ? [join(folders.builtinFolder, name)] : [];
  }
  if (location === '' || location.includes('\0')) return [];
  refuseUnnamed(location);
  const home = expandHome(location);
  if (home !== location) return [home];
  const path = resolve(folders.workingFolder, location);
  if (isAbsolute(location) || /^\.\.?([\\/]|$)/.test(location) || !isPlainName(location)) return [path];
  const [owner, name, ...rest] = location.split('/');
  if (!owner || !name) return [path, join(folders.modelsFolder, location)];
  const snapshot = await findSnapshot(join(folders.hubCache, `models--${owner}--${name}`));
  return [path, join(folders.modelsFolder, location), join(snapshot, ...rest)];
}

/** The snapshot folder of a hub cache entry: the commit that `refs/main` names, else the only snapshot there is. */
async function findSnapshot(entry: string): Promise<string> {
  const snapshots = join(entry, 'snapshots');
  if (await readStats(join(entry, 'refs', 'main'))) {
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

/** Pixels of an image from a file: 8192x8192. */
const MAX_PIXELS = 2 ** 26;

let sharp: Promise<typeof import('sharp').default> | undefined;

/**
 * Only what decodes images loads it. Of its formats, those that draw, as SVG does, or run other programs are shut off, once
 * and for all: while they are being shut off, no image can be decoded.
 */
export function loadSharp(): Promise<typeof import('sharp').default> {
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
    const { width, height } = await load(bytes, { limitInputPixels: false }).metadata(); // reads no pixels
    if (width * height > MAX_PIXELS) throw tooManyPixels(width, height);
    const image = load(bytes, { limitInputPixels: MAX_PIXELS })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha();
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels after conversion`);
    return { width: info.width, height: info.height, rgb: new Uint8Array(data) };
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const reason = escapeControls(cause instanceof Error ? cause.message : String(cause));
    throw new UserError('BAD_IMAGE', `These ${bytes.length} bytes are no image that can be read: ${reason}.`, {
      cause,
    });
  }
}

function tooManyPixels(width: number, height: number): UserError {
  const pixels = `${width * height} pixels; at most ${MAX_PIXELS} are read`;
  return new UserError('TOO_LARGE', `The image of ${width}x${height} has ${pixels}. Make it smaller.`);
}
