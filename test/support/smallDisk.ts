import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly path: string;
  /** Leaves nothing free. */
  fill(): Promise<void>;
  /** Gives the room back that `fill` took. */
  empty(): Promise<void>;
  setReadOnly(readOnly: boolean): void;
  remove(): Promise<void>;
}

/** A disk in memory of so many bytes, or why there can be none: only root may mount one, and only on Linux. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk | string> {
  const path = await mkdtemp(join(tmpdir(), 'noiseloom-disk-'));
  const mount = (...args: string[]) => execFileSync('mount', [...args, path], { stdio: 'pipe' });
  try {
    if (process.platform !== 'linux') throw new Error('There is no tmpfs.');
    mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs');
  } catch (error) {
    await rm(path, { recursive: true });
    return error instanceof Error ? (error.message.trim().split('\n').at(-1) as string) : String(error);
  }
  const ballast = join(path, 'ballast');
  return {
    path,
    async fill() {
      const { bavail, bsize } = await statfs(path);
      await writeFile(ballast, new Uint8Array(bavail * bsize));
    },
    empty: () => rm(ballast, { force: true }),
    setReadOnly: (readOnly) => mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`),
    async remove() {
      execFileSync('umount', [path]);
      await rm(path, { recursive: true });
    },
  };
}
