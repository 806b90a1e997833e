import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HubApiError } from '@huggingface/hub';
import { UserError } from '../../nodes/errors.ts';
import { makeFolder, renameFlushed } from '../files/disk.ts';
import { describeHubError, type Hub, type HubFile, type HubModel } from './hub.ts';

/** How often a broken connection is tried again without a single new byte before giving up. */
const MAX_IDLE_TRIES = 4;

/** Downloads one file to `target`, going on where its `.part` file ends, and checks its hash. */
export async function downloadFile(
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
  const path = partPath(target, file);
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
          throw describeHubError(error, hub, model.name, model.commit);
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
  await renameFlushed(path, target);
}

/** The bytes of a file from `offset` on, or from 0 where the server ignores ranges: see `from` of the first piece. */
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

export async function hasContent(path: string, file: HubFile): Promise<boolean> {
  if ((await sizeOnDisk(path)) !== file.size) return false;
  const hash = startHash(file);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex') === file.hash;
}

export async function sizeOnDisk(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

/** Where the bytes of a file that is not whole yet are kept. */
export function partPath(target: string, { hash }: HubFile): string {
  return `${target}.${hash.slice(0, 12)}.part`;
}
