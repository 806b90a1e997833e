import { mkdtemp, rename, rm } from 'node:fs/promises';

/** Fills a new folder beside `folder` and then puts it in its place: what was there stays until the new one is whole. */
export async function replaceFolder(folder: string, fill: (fresh: string) => Promise<void>): Promise<void> {
  const fresh = await mkdtemp(`${folder}.`);
  try {
    await fill(fresh);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
