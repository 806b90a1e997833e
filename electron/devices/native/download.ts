import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Attempts in a row that bring nothing. */
const MAX_FAILURES = 4;
/** How long to wait for the next bytes. */
const TIMEOUT_MS = 30_000;

export interface DownloadOptions {
  /** Stops the download; what has arrived is kept. */
  readonly signal?: AbortSignal;
  /** Called now and then with the bytes that have arrived, and their total if the server tells it. */
  readonly emit?: (progress: { readonly done: number; readonly total: number | undefined }) => void;
}

/**
 * Downloads `url` to `path`, resuming where an earlier attempt stopped (`path`.part, by a range request). Throws an Error that
 * names the address on failure.
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  if (existsSync(path)) return;
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  for (let failures = 0; ; ) {
    const before = await measureFile(part);
    try {
      await continueDownload(url, part, options);
      await rename(part, path);
      return;
    } catch (error) {
      failures = (await measureFile(part)) > before ? 1 : failures + 1; // bytes arrived: the count starts anew
      options.signal?.throwIfAborted();
      if (failures === MAX_FAILURES || error instanceof Refused) {
        throw new Error(`${url} cannot be downloaded: ${explainFailure(error)}.`);
      }
      await new Promise((resolve) => setTimeout(resolve, 500 * failures));
    }
  }
}

async function measureFile(path: string): Promise<number> {
  return existsSync(path) ? (await stat(path)).size : 0;
}

/** A response that a retry would not change. */
class Refused extends Error {}

async function continueDownload(url: string, part: string, { signal, emit }: DownloadOptions): Promise<void> {
  const have = await measureFile(part);
  const stop = new AbortController();
  const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  try {
    const answer = await fetch(url, { signal: stopped, ...(have > 0 && { headers: { range: `bytes=${have}-` } }) });
    if (answer.status === 416) {
      await rm(part);
      throw new Error('what was downloaded before does not fit');
    }
    if (!answer.ok || !answer.body) throw new Refused(`the server answers ${answer.status} ${answer.statusText}`);
    const from = answer.status === 206 ? have : 0;
    const total = from + Number(answer.headers.get('content-length') ?? Number.NaN);
    const file = await open(part, from > 0 ? 'a' : 'w');
    let done = from;
    let told = 0;
    try {
      for await (const bytes of answer.body) {
        clearTimeout(timer);
        timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
        await file.write(bytes);
        done += bytes.length;
        if (Date.now() - told < 100) continue;
        told = Date.now();
        emit?.({ done, total: Number.isNaN(total) ? undefined : total });
      }
    } finally {
      await file.close();
    }
    if (done < total) throw new Error('the connection ended early');
  } finally {
    clearTimeout(timer);
  }
}

function explainFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return `no answer for ${TIMEOUT_MS / 1000} seconds`;
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  return cause ?? error.message;
}
