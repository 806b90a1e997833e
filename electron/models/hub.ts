import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { UserError } from '../../nodes/errors.ts';
import { isPlainName } from '../../nodes/files.ts';
import { isDiskError, makeFolder, reasonOf, writeAtomic } from '../files/disk.ts';

/** Where models come from and who asks. */
export interface Hub {
  /** Without a slash at the end. */
  readonly endpoint: string;
  /** Access token, `hf_...`. */
  readonly token?: string;
  /** Milliseconds before the first new try after a broken connection; each further one waits twice as long. */
  readonly retryDelay?: number;
}

export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** sha256 of the content for large files (LFS), git's sha1 of a blob for small ones; hex. */
  readonly hash: string;
  readonly hashKind: 'sha256' | 'git';
}

/** A model as it lies on the hub: the commit, and every file of it. */
export interface HubModel {
  readonly name: string;
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** What is written beside a pulled model, last: its presence says that the model is whole. */
export interface PullRecord {
  readonly name: string;
  readonly commit: string;
  readonly endpoint: string;
  readonly files: readonly HubFile[];
}
export const PULL_RECORD = '.pulled.json';

/** How often a broken connection is tried again without a single new byte before giving up. */
const MAX_IDLE_TRIES = 4;

/** The hub that HF_ENDPOINT names, else Hugging Face's, with the token in HF_TOKEN. */
export function usualHub(endpoint = process.env.HF_ENDPOINT ?? 'https://huggingface.co'): Hub {
  const token = process.env.HF_TOKEN;
  return { endpoint: endpoint.replace(/\/+$/, ''), ...(token ? { token } : {}) };
}

/** Asks the hub for a model's commit and files. Throws UserError `HUB_DENIED`, `HUB_UNKNOWN`, `HUB_UNREACHABLE`. */
export async function openHubModel(hub: Hub, name: string, revision = 'main'): Promise<HubModel> {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(name) || !isPlainName(name)) {
    throw new UserError('BAD_MODEL_NAME', `"${name}" is no hub name; a hub name looks like "stabilityai/sd-turbo".`);
  }
  const access = { hubUrl: hub.endpoint, revision, ...(hub.token ? { accessToken: hub.token } : {}) };
  try {
    const { sha: commit } = await modelInfo({ name, ...access, additionalFields: ['sha'] });
    const files: HubFile[] = [];
    for await (const entry of listFiles({ repo: name, recursive: true, ...access, revision: commit })) {
      if (entry.type !== 'file') continue;
      if (!isPlainName(entry.path)) {
        throw new UserError(
          'BAD_MODEL',
          `The model "${name}" lists a file "${entry.path}", which would leave its folder.`,
        );
      }
      const hash = entry.lfs
        ? { hash: entry.lfs.oid, hashKind: 'sha256' as const }
        : { hash: entry.oid ?? '', hashKind: 'git' as const };
      files.push({ path: entry.path, size: entry.lfs?.size ?? entry.size, ...hash });
    }
    return { name, commit, files };
  } catch (error) {
    throw inWords(error, hub, name, revision);
  }
}

/** The folders of a diffusers pipeline that this program reads. */
const COMPONENTS = [
  'scheduler',
  'text_encoder',
  'text_encoder_2',
  'tokenizer',
  'tokenizer_2',
  'unet',
  'vae',
  'controlnet',
];
/** Names of weight files in the order of liking, without variant and ending. */
const WEIGHT_STEMS = ['diffusion_pytorch_model', 'model', 'pytorch_model'];
const TEXT_FILE =
  /^([\w-]*config|model_index|vocab|tokenizer|special_tokens_map|added_tokens)\.json$|^(merges|vocab)\.txt$|^(LICENSE|README)(\.\w+)?$/i;

/**
 * The files of a model that are needed to load it: of a diffusers pipeline only the folders that are read, and in each
 * folder one set of weights: safetensors before torch files, the asked variant (e.g. `fp16`) where there is one.
 * Throws UserError `NO_WEIGHTS` that lists what there is, where no set of weights can be chosen.
 */
export function neededFiles(model: HubModel, variant = ''): HubFile[] {
  const isPipeline = model.files.some(({ path }) => path === 'model_index.json');
  const folders = groupBy(model.files, ({ path }) => path.slice(0, path.lastIndexOf('/') + 1));
  const needed = [...folders].flatMap(([folder, files]) => {
    if (folder !== '' && !(isPipeline && COMPONENTS.includes(folder.slice(0, -1)))) return [];
    const texts = files.filter(({ path }) => TEXT_FILE.test(path.slice(folder.length)));
    return folder === '' && isPipeline ? texts : [...texts, ...oneSetOfWeights(files, folder, variant)];
  });
  if (needed.some(({ path }) => isWeights(path))) return needed;
  const candidates = model.files.filter(({ path }) => isWeights(path)).map(({ path }) => path);
  const remedy = candidates.length
    ? `choose with --file among: ${candidates.join(', ')}`
    : 'it has no .safetensors, .bin, .ckpt, .pt or .pth file at all';
  throw new UserError('NO_WEIGHTS', `"${model.name}" is neither a diffusers nor a transformers folder; ${remedy}.`);
}

/** Exactly the named files, each of which must be there: throws UserError `NOT_FOUND`. */
export function namedFiles(model: HubModel, paths: readonly string[]): HubFile[] {
  return paths.map((path) => {
    const file = model.files.find((file) => file.path === path);
    if (file) return file;
    const there = model.files.map((file) => file.path).join(', ');
    throw new UserError('NOT_FOUND', `"${model.name}" has no file "${path}"; it has: ${there}.`);
  });
}

function oneSetOfWeights(files: readonly HubFile[], folder: string, variant: string): HubFile[] {
  for (const ending of ['safetensors', 'bin']) {
    for (const stem of WEIGHT_STEMS) {
      const sets = groupBy(files, ({ path }) => variantOf(path.slice(folder.length), stem, ending));
      sets.delete(undefined);
      const chosen = sets.get(variant) ?? sets.get('') ?? sets.values().next().value;
      if (chosen) return chosen;
    }
  }
  return [];
}

/**
 * The variant of a weight file (`''` for none), or undefined where it is not one of this stem and ending. Knows
 * `stem.fp16.safetensors`, its shards `stem.fp16-00001-of-00002.safetensors`, and `stem.safetensors.index.fp16.json`.
 */
function variantOf(name: string, stem: string, ending: string): string | undefined {
  const shape = new RegExp(
    `^${stem}(?:\\.(\\w+))?(?:-\\d+-of-\\d+)?\\.${ending}$|^${stem}\\.${ending}\\.index(?:\\.(\\w+))?\\.json$`,
  );
  const match = shape.exec(name);
  return match ? (match[1] ?? match[2] ?? '') : undefined;
}

function groupBy<Key>(files: readonly HubFile[], keyOf: (file: HubFile) => Key): Map<Key, HubFile[]> {
  const groups = new Map<Key, HubFile[]>();
  for (const file of files) groups.set(keyOf(file), [...(groups.get(keyOf(file)) ?? []), file]);
  return groups;
}

function isWeights(path: string): boolean {
  return /\.(safetensors|bin|ckpt|pt|pth)$/.test(path);
}

export interface PullProgress {
  readonly file: string;
  /** Bytes that are there, of all files together, and how many there will be. */
  readonly done: number;
  readonly total: number;
}

/**
 * Downloads files of a model into `<modelsFolder>/<name>`. Bytes that an earlier, interrupted pull left are kept; every
 * file is checked against the hub's hash before it takes its place; the record is written last.
 * `@huggingface/hub` lists, but its own download starts anew after an interruption, so the bytes are fetched here by
 * HTTP ranges. Throws UserError `DISK_FULL`, `HASH_MISMATCH`, `HUB_...`. Returns the model's folder.
 */
export async function pullModel(
  hub: Hub,
  model: HubModel,
  files: readonly HubFile[],
  modelsFolder: string,
  options: { readonly signal: AbortSignal; readonly emit: (progress: PullProgress) => void },
): Promise<string> {
  const folder = join(modelsFolder, model.name);
  const staging = join(dirname(folder), `.${model.name.split('/').at(-1)}.pulling`);
  const missing: HubFile[] = [];
  for (const file of files) if (!(await hasContent(join(folder, file.path), file))) missing.push(file);
  const total = sizeOf(files);
  let done = total - sizeOf(missing);
  await makeFolder(staging);
  await checkDisk(staging, missing);
  for (const file of missing) {
    options.signal.throwIfAborted();
    const emit = (bytes: number) => {
      done += bytes;
      options.emit({ file: file.path, done, total });
    };
    emit(0);
    await downloadFile(hub, model, file, join(staging, file.path), emit, options.signal);
  }
  for (const { path } of missing) {
    await makeFolder(dirname(join(folder, path)));
    await rename(join(staging, path), join(folder, path));
  }
  const kept =
    (await readPullRecord(folder))?.files.filter((old) => !files.some(({ path }) => path === old.path)) ?? [];
  const record: PullRecord = {
    name: model.name,
    commit: model.commit,
    endpoint: hub.endpoint,
    files: [...files, ...kept],
  };
  await writeAtomic(join(folder, PULL_RECORD), `${JSON.stringify(record, null, 2)}\n`);
  await rm(staging, { recursive: true });
  return folder;
}

/** The record of a pulled model, or undefined where a folder holds none. */
export async function readPullRecord(folder: string): Promise<PullRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, PULL_RECORD), 'utf8')) as PullRecord;
  } catch {
    return undefined;
  }
}

export function sizeOf(files: readonly HubFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** Bytes free for this user on the disk that holds a folder, or would hold it. */
export async function freeDisk(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if (folder === dirname(folder)) throw error;
    return freeDisk(dirname(folder));
  }
}

async function checkDisk(staging: string, missing: readonly HubFile[]): Promise<void> {
  let needed = sizeOf(missing);
  for (const file of missing) {
    needed -= (await sizeOnDisk(join(staging, `${file.path}.${file.hash.slice(0, 12)}.part`))) ?? 0;
  }
  const free = await freeDisk(staging);
  if (needed > free) {
    throw new UserError(
      'DISK_FULL',
      `${needed} bytes are still to be downloaded, but only ${free} are free in "${staging}". Free some space, or set NOISELOOM_MODELS to a folder on another disk.`,
    );
  }
}

/** Downloads one file to `target`, going on where its `.part` file ends, and checks its hash. */
async function downloadFile(
  hub: Hub,
  model: HubModel,
  file: HubFile,
  target: string,
  emit: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (await hasContent(target, file)) {
    emit(file.size);
    return;
  }
  await makeFolder(dirname(target));
  const path = `${target}.${file.hash.slice(0, 12)}.part`;
  const part = await open(path, 'a+');
  try {
    let hash = startHash(file);
    if ((await part.stat()).size > file.size) await part.truncate(0);
    let offset = (await part.stat()).size;
    for await (const chunk of part.createReadStream({ start: 0, autoClose: false })) hash.update(chunk as Uint8Array);
    emit(offset);
    for (let idleTries = 0; offset < file.size; ) {
      const before = offset;
      try {
        for await (const { bytes, from } of fetchFrom(hub, model, file, offset, signal)) {
          if (from !== offset) {
            await part.truncate(0);
            hash = startHash(file);
            emit(-offset);
            offset = 0;
          }
          await part.appendFile(bytes);
          hash.update(bytes);
          offset += bytes.length;
          emit(bytes.length);
        }
        if (offset < file.size) throw new TypeError('the connection closed early');
      } catch (error) {
        signal.throwIfAborted();
        idleTries = offset > before ? 0 : idleTries + 1;
        if (!isWorthAnotherTry(error) || idleTries > MAX_IDLE_TRIES)
          throw inWords(error, hub, model.name, model.commit);
        // only an abort ends the pause early, and its own reason is what the caller should see
        await sleep((hub.retryDelay ?? 1000) * 2 ** idleTries, undefined, { signal }).catch(() =>
          signal.throwIfAborted(),
        );
      }
    }
    const digest = hash.digest('hex');
    if (offset !== file.size || digest !== file.hash) {
      await rm(path);
      throw new UserError(
        'HASH_MISMATCH',
        `"${file.path}" of "${model.name}" arrived with ${offset} bytes and hash ${digest}, but the hub says ${file.size} bytes and ${file.hash}. It was deleted; pull again, or ask the model's owner.`,
      );
    }
    await part.sync();
  } finally {
    await part.close();
  }
  await rename(path, target);
}

/** The bytes of a file from `offset` on; from 0 where the server knows no ranges, which `from` of the first piece tells. */
async function* fetchFrom(hub: Hub, model: HubModel, file: HubFile, offset: number, signal: AbortSignal) {
  const url = `${hub.endpoint}/${model.name}/resolve/${model.commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`;
  const headers = {
    ...(hub.token ? { authorization: `Bearer ${hub.token}` } : {}),
    ...(offset > 0 ? { range: `bytes=${offset}-` } : {}),
    'accept-encoding': 'identity',
  };
  const response = await fetch(url, { headers, signal }); // fetch drops the token when it is sent on to another host
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new HubApiError(url, response.status);
  }
  const range = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  let from = response.status === 206 ? Number(range?.[1]) : 0;
  if (from !== offset && from !== 0)
    throw new UserError('HUB_ANSWER', `${url} was asked for bytes from ${offset} and sent bytes from ${from}.`);
  for await (const bytes of response.body) {
    if (from + bytes.length > file.size)
      throw new UserError('HUB_ANSWER', `${url} sends more than the ${file.size} bytes the hub lists.`);
    yield { bytes, from };
    from += bytes.length;
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof HubApiError) return error.statusCode >= 500 || error.statusCode === 429;
  return (
    error instanceof TypeError ||
    (error instanceof Error && 'code' in error && /^(ECONN|UND_|ETIMEDOUT)/.test(String(error.code)))
  );
}

function startHash(file: HubFile): Hash {
  // git names a blob by the sha1 of a header and its content
  return file.hashKind === 'git' ? createHash('sha1').update(`blob ${file.size}\0`) : createHash('sha256');
}

async function hasContent(path: string, file: HubFile): Promise<boolean> {
  if ((await sizeOnDisk(path)) !== file.size) return false;
  const hash = startHash(file);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex') === file.hash;
}

async function sizeOnDisk(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

/** The sentence for whatever went wrong on the way to the hub. */
function inWords(error: unknown, hub: Hub, name: string, revision: string): unknown {
  const page = `${hub.endpoint}/${name}`;
  if (error instanceof HubApiError) {
    const { statusCode: status } = error;
    if (status === 401 || status === 403) {
      const remedy = hub.token
        ? `the token in HF_TOKEN does not open it. Accept the licence at ${page} with the same account, and check the token's rights`
        : `it does not exist, is private, or its licence must be accepted at ${page} first; then put an access token into HF_TOKEN`;
      return new UserError('HUB_DENIED', `The hub refused "${name}" (${status}): ${remedy}.`, { cause: error });
    }
    if (status === 404) {
      const what = revision === 'main' ? `no model "${name}"` : `no model "${name}" with the revision "${revision}"`;
      return new UserError('HUB_UNKNOWN', `${hub.endpoint} has ${what} (404). Check the spelling of owner and name.`, {
        cause: error,
      });
    }
    return new UserError('HUB_FAILED', `The hub answered ${status} for ${error.url}. Try again later.`, {
      cause: error,
    });
  }
  if (error instanceof TypeError && error.message.includes("must start with 'hf_'")) {
    return new UserError('BAD_TOKEN', 'The access token in HF_TOKEN does not start with "hf_".', { cause: error });
  }
  if (isDiskError(error)) {
    const sentence = `"${name}" cannot be written: ${reasonOf(error)}. What has arrived is kept: make room and pull again.`;
    return new UserError('WRITE_FAILED', sentence, { cause: error });
  }
  if (error instanceof UserError || !(error instanceof TypeError)) return error;
  const reason = error.cause instanceof Error ? error.cause.message : error.message;
  const remedy = 'Check the network, or give another server with --endpoint';
  return new UserError('HUB_UNREACHABLE', `${hub.endpoint} could not be reached for "${name}": ${reason}. ${remedy}.`, {
    cause: error,
  });
}
