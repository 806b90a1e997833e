import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { nativeBuilds } from '../../electron/devices/native/nativeFolders.ts';
import { packageFolder } from '../../electron/files/folders.ts';

/*
 * A process that may take little memory, loading and optimising what needs more: the run fails in a sentence, nothing is
 * left behind, and the same engine goes on.
 */

const prlimit = '/usr/bin/prlimit';
const reason = existsSync(prlimit)
  ? nativeBuilds(['cpu']).length > 0
    ? undefined
    : 'native TensorFlow, which takes memory as it needs it, is not set up.'
  : 'prlimit, which caps a process, is not installed.';
if (reason) console.warn(`SKIPPED on little memory: what happens there: ${reason}`);

it.skipIf(reason)(
  'a run that needs more memory than there is fails in a sentence, and the engine goes on',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'noiseloom-memory-'));
    try {
      await writeHuge(join(folder, 'huge.safetensors'));
      const program = [join(packageFolder, 'build/run.mjs'), join(packageFolder, 'test/support/pressed.ts'), folder];
      const { stdout } = await promisify(execFile)(prlimit, [`--as=${4 * 2 ** 30}`, process.execPath, ...program], {
        env: { ...process.env, MALLOC_ARENA_MAX: '2' },
      });
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const failed = (of: string, label: string) => ({
        ...{ of, status: 'failed', tensors: 0 },
        problem: {
          code: 'OUT_OF_MEMORY',
          message: expect.stringContaining(`${label} needs more memory than there is.`),
        },
      });
      const small = { of: 'a small image', status: 'done', tensors: 0 };
      expect(lines).toMatchObject([
        failed('loading', '"Load distribution" (load)'),
        small,
        failed('optimising', '"ReNO" (climb)'),
        small,
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  300_000,
);

/** A tensor of 3 GiB of zeros, which takes no room on the disk. */
async function writeHuge(path: string): Promise<void> {
  const size = 3 * 2 ** 30;
  const mean = { dtype: 'F32', shape: [1, 4, 16384, 12288], data_offsets: [0, size] };
  const header = Buffer.from(JSON.stringify({ mean }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = await open(path, 'w');
  await file.writeFile(Buffer.concat([length, header]));
  await file.truncate(8 + header.length + size);
  await file.close();
}
