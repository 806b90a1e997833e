import { HubApiError, type ListFileEntry, listFiles, modelInfo } from '@huggingface/hub';
import { UserError } from '../../nodes/errors.ts';
import { isPlainName } from '../../nodes/files.ts';
import { quote } from '../../nodes/quote.ts';
import { explainDiskError, isDiskError } from '../files/disk.ts';
import { fetchAnswers } from './fetchAnswers.ts';

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

/** The hub that HF_ENDPOINT names, else Hugging Face's, with the token in HF_TOKEN. */
export function usualHub(endpoint = process.env.HF_ENDPOINT ?? 'https://huggingface.co'): Hub {
  const token = process.env.HF_TOKEN;
  return { endpoint: endpoint.replace(/\/+$/, ''), ...(token ? { token } : {}) };
}

/**
 * Asks the hub for a model's commit and files. Throws UserError `HUB_DENIED`, `HUB_UNKNOWN`, `HUB_UNREACHABLE`, and
 * `HUB_ANSWER` where what it says is endless or no list of files.
 */
export async function openHubModel(hub: Hub, name: string, revision = 'main'): Promise<HubModel> {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(name) || !isPlainName(name)) {
    throw new UserError('BAD_MODEL_NAME', `"${name}" is no hub name; a hub name looks like "stabilityai/sd-turbo".`);
  }
  const token = hub.token ? { accessToken: hub.token } : {};
  const access = { hubUrl: hub.endpoint, revision, fetch: fetchAnswers(), ...token };
  try {
    const { sha: commit } = await modelInfo({ name, ...access, additionalFields: ['sha'] });
    if (!isHash(commit)) throw odd(hub, name, 'a commit', commit);
    const files: HubFile[] = [];
    for await (const entry of listFiles({ repo: name, recursive: true, ...access, revision: commit })) {
      if (entry?.type === 'file') files.push(readEntry(entry, hub, name));
    }
    return { name, commit, files };
  } catch (error) {
    throw describeHubError(error, hub, name, revision);
  }
}

function readEntry({ path, size, oid, lfs }: ListFileEntry, hub: Hub, name: string): HubFile {
  if (typeof path !== 'string' || !isPlainName(path))
    throw new UserError(
      'BAD_MODEL',
      `The model "${name}" lists a file ${quote(path)}, which is no plain name inside its folder.`,
    );
  const file = { path, size: lfs?.size ?? size, hash: lfs?.oid ?? oid ?? '' };
  if (!Number.isSafeInteger(file.size) || file.size < 0) throw odd(hub, name, `the size of "${path}"`, file.size);
  if (!isHash(file.hash)) throw odd(hub, name, `the hash of "${path}"`, file.hash);
  return { ...file, hashKind: lfs ? 'sha256' : 'git' };
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[\da-f]{40,64}$/.test(value);
}

function odd(hub: Hub, name: string, what: string, value: unknown): UserError {
  return new UserError('HUB_ANSWER', `${hub.endpoint} gives ${quote(value)} as ${what} of "${name}".`);
}

/** Bytes of files together. */
export function sumSizes(files: readonly HubFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** The sentence for whatever went wrong on the way to the hub. */
export function describeHubError(error: unknown, hub: Hub, name: string, revision: string): unknown {
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
    const sentence = `"${name}" cannot be written: ${explainDiskError(error)}. What has arrived is kept: make room and pull again.`;
    return new UserError('WRITE_FAILED', sentence, { cause: error });
  }
  if (error instanceof SyntaxError)
    return new UserError('HUB_ANSWER', `${hub.endpoint} answers for "${name}", but not as a hub does: no JSON came.`, {
      cause: error,
    });
  if (error instanceof UserError || !(error instanceof TypeError)) return error;
  const reason = error.cause instanceof Error ? error.cause.message : error.message;
  const remedy = 'Check the network, or give another server with --endpoint';
  return new UserError('HUB_UNREACHABLE', `${hub.endpoint} could not be reached for "${name}": ${reason}. ${remedy}.`, {
    cause: error,
  });
}
