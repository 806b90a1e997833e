import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import { listFolder, readFailed, readStats } from './disk.ts';
import { type JsonFile, jsonFile } from './jsonFile.ts';

/** Files and folders inside a folder that is fingerprinted. */
const MAX_FILES = 100_000;
/** Smaller files are read again sooner than what is kept of them. */
const MIN_KEPT_BYTES = 2 ** 20;
const MAX_KEPT_FILES = 1000;
/** A file that changed this short a time ago may change again without a later time of change. */
const SETTLED_MS = 2000;

/** By path: what a file looked like when it was read, and its sha256. */
type Kept = Readonly<Record<string, { readonly state: string; readonly sha256: string }>>;

/**
 * `Files.fingerprint`. A file: sha256 of its bytes. A folder: sha256 of the lines "fingerprint name" of what it holds, by
 * name. A file is not read again as long as its size, place on the disk and times stay what they were: small ones in this
 * process, large ones in all, by the file `keptIn`.
 */
export function fingerprints(
  keptIn: string | undefined,
  allow: (path: string) => Promise<void>,
): (path: string) => Promise<string> {
  const kept = keptIn === undefined ? undefined : jsonFile<Kept>(keptIn, {}, isKept);
  const known = new Map<string, string>();
  return (path) => fingerprint(path, { known, kept, allow, above: [], left: MAX_FILES });
}

interface Fingerprinting {
  /** sha256 by path and state. */
  readonly known: Map<string, string>;
  readonly kept: JsonFile<Kept> | undefined;
  allow(path: string): Promise<void>;
  /** The folders around the one at hand, links followed. */
  readonly above: readonly string[];
  /** How many files and folders there may still be. */
  left: number;
}

async function fingerprint(path: string, given: Fingerprinting): Promise<string> {
  const { allow, above } = given;
  await allow(path);
  const found = await readStats(path);
  if (!found) throw new UserError('NOT_FOUND', `There is no file or folder "${path}".`);
  if (given.left-- <= 0)
    throw new UserError(
      'TOO_LARGE',
      `"${path}" lies in a folder of more than ${MAX_FILES} files: choose a smaller one.`,
    );
  if (found.isDirectory()) {
    const real = await realpath(path);
    if (above.includes(real)) throw new UserError('READ_FAILED', `"${path}" is a link to a folder that it lies in.`);
    const inside = { ...given, above: [...above, real] };
    const folder = createHash('sha256');
    for (const name of (await listFolder(path)) ?? [])
      folder.update(`${await fingerprint(join(path, name), inside)} ${name}\n`);
    given.left = inside.left;
    return folder.digest('hex');
  }
  if (!found.isFile()) throw new UserError('READ_FAILED', `"${path}" is no file.`);
  return readSha256(await realpath(path), found, given);
}

async function readSha256(path: string, found: Stats, { known, kept }: Fingerprinting): Promise<string> {
  const state = [found.size, found.ino, found.mtimeMs, found.ctimeMs].join(' ');
  const key = `${path}\n${state}`;
  const remembered = known.get(key);
  if (remembered !== undefined) return remembered;
  const isLarge = kept !== undefined && found.size >= MIN_KEPT_BYTES;
  const earlier = isLarge ? (await kept.read().catch((): Kept => ({})))[path] : undefined;
  const isKnown = earlier?.state === state;
  const sha256 = isKnown ? earlier.sha256 : await hashFile(path);
  known.set(key, sha256);
  const isSettled = Date.now() - Math.max(found.mtimeMs, found.ctimeMs) > SETTLED_MS;
  if (isLarge && isSettled && !isKnown)
    await kept
      .change(({ [path]: _, ...others }) =>
        Object.fromEntries([...Object.entries(others).slice(1 - MAX_KEPT_FILES), [path, { state, sha256 }]]),
      )
      .catch(() => {}); // where it cannot be kept, it is read again
  return sha256;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw readFailed(path, error);
  }
  return hash.digest('hex');
}

function isKept(found: unknown): boolean {
  return (
    typeof found === 'object' &&
    found !== null &&
    Object.values(found).every((each) => /^[0-9a-f]{64}$/.test(each?.sha256) && typeof each.state === 'string')
  );
}
