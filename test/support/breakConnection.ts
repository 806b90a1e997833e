import { readdir, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Breaks the connection of a response when a download into `folder`, however deep, has so many bytes in its `.part` file:
 * what is still on its way when a connection breaks is lost.
 */
export async function breakConnection(response: ServerResponse, folder: string, bytes: number): Promise<void> {
  while (!response.destroyed) {
    if ((await measurePart(folder)) >= bytes) response.destroy();
    else await wait(10);
  }
}

/** Bytes of the largest `.part` file; 0 where there is none. */
async function measurePart(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const parts = names.filter((name) => name.endsWith('.part'));
  const sizes = parts.map((name) =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return Math.max(0, ...(await Promise.all(sizes)));
}
