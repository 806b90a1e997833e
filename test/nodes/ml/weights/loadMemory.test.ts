import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as tf from '../../../../nodes/ml/tf.ts';
import { checkpointBytes, loadWeights } from '../../../../nodes/ml/weights/loadWeights.ts';
import { openCheckpoint } from '../../../../nodes/ml/weights/openCheckpoint.ts';
import { openTestDevice } from '../../../support/devices.ts';
import { diskFiles } from '../../../support/golden.ts';

const shapes: Record<string, number[]> = {
  'embedding.weight': [20000, 768],
  ...Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`conv${i}.weight`, [1024, 1024, 3, 3]])),
  ...Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`linear${i}.weight`, [1024, 1024]])),
};
const count = (shape: number[]) => shape.reduce((product, size) => product * size, 1);

/** Writes a safetensors file of float16 ones piece by piece, so that this costs no memory. */
async function writeLargeFile(path: string): Promise<void> {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    header[name] = { dtype: 'F16', shape, data_offsets: [end, end + 2 * count(shape)] };
    end += 2 * count(shape);
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  const piece = new Uint8Array(new Uint16Array(1 << 20).fill(0x3c00).buffer);
  const file = await open(path, 'w');
  await file.write(length);
  await file.write(text);
  for (let left = end; left > 0; left -= piece.length) await file.write(piece, 0, Math.min(left, piece.length));
  await file.close();
}

it('loading float16 weights takes at most 1.15 times their float32 size at its peak', async () => {
  await openTestDevice();
  const folder = await mkdtemp(join(tmpdir(), 'noiseloom-memory-'));
  try {
    const path = join(folder, 'large.safetensors');
    await writeLargeFile(path);
    const checkpoint = await openCheckpoint(diskFiles, path);
    const bytes = checkpointBytes(checkpoint);
    expect(bytes).toBeGreaterThan(4e8);
    const warmed = tf.tidy(() => tf.matMul(tf.ones([500, 500]), tf.ones([500, 500])));
    await warmed.data();
    const before = process.memoryUsage().rss;
    const weights = await loadWeights(checkpoint);
    const peak = process.resourceUsage().maxRSS * 1024; // since the process began, so at least that of loading
    console.log(`peak ${((peak - before) / bytes).toFixed(3)} times ${(bytes / 1e6).toFixed(0)} MB`);
    expect((peak - before) / bytes).toBeLessThan(1.15);
    const sum = tf.tidy(() => tf.sum(weights.get('linear0.weight') as tf.Tensor));
    expect((await sum.data())[0]).toBe(1024 * 1024);
    tf.dispose([warmed, sum, ...weights.values()]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
