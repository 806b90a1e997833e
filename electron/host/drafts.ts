import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../../graphs/document/document.ts';
import { UserError } from '../../nodes/errors.ts';
import { makeFolder, writeAtomic } from '../files/disk.ts';
import type { Draft } from './ipc.ts';

/** Unsaved graphs, one file each in the user's data folder, so that a crash loses a second of work at most. */
export function drafts(dataFolder: string) {
  const folder = join(dataFolder, 'drafts');
  const pathOf = (id: string) => {
    if (!/^[\w-]{1,80}$/.test(id)) throw new UserError('BAD_NAME', `"${id.slice(0, 100)}" cannot name a draft.`);
    return join(folder, `${id}.json`);
  };
  return {
    /** Newest first. A file that cannot be read is left alone. */
    async list(): Promise<Draft[]> {
      const names = (await readdir(folder).catch(() => [])).filter((name) => /^[\w-]+\.json$/.test(name));
      const found = await Promise.all(
        names
          .map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Draft)
          .map((draft) => draft.catch(() => undefined)),
      );
      return found.filter(isDraft).sort((a, b) => (a.written < b.written ? 1 : -1));
    },
    async write({ id, name, location, text }: Omit<Draft, 'written'>): Promise<void> {
      const draft = {
        id,
        name,
        text,
        written: new Date().toISOString(),
        ...(location === undefined ? {} : { location }),
      };
      const path = pathOf(id);
      if (!isDraft(draft) || text.length > limits.text)
        throw new UserError('TOO_LARGE', 'This is no draft of a graph, or one that is too large to keep.');
      await makeFolder(folder);
      await writeAtomic(path, JSON.stringify(draft));
    },
    remove: (id: string) => rm(pathOf(id), { force: true }),
  };
}

function isDraft(found: unknown): found is Draft {
  const { id, name, text, written, location } = (found ?? {}) as Partial<Draft>;
  return [id, name, text, written, location ?? ''].every((field) => typeof field === 'string');
}
