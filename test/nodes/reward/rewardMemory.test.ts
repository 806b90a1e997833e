import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GraphDocument } from '../../../graphs/document/document.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import { createEngine } from '../../../graphs/engine/engine.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { library } from '../../../nodes/index.ts';
import type { Device } from '../../../nodes/ml/device.ts';
import { encodePng } from '../../../nodes/ml/image/encodePng.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../support/golden.ts';

const folder = mkdtempSync(join(tmpdir(), 'noiseloom-rewards-'));
const small = join(folder, 'grey.png');
let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
  writeFileSync(small, encodePng({ width: 32, height: 32, rgb: new Uint8Array(32 * 32 * 3).fill(128) }));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const place = goldenFolder;
const params: Record<string, { type: string; params: Record<string, string> }> = {
  clip: { type: 'reward/clip-score', params: { model: place('clip-hf/clip') } },
  hps: { type: 'reward/hps', params: { model: place('clip-openclip') } },
  pick: { type: 'reward/pick-score', params: { model: place('clip-hf/pickscore') } },
  image: { type: 'reward/image-reward', params: { model: place('imagereward') } },
  beauty: {
    type: 'reward/aesthetic',
    params: { model: place('aesthetic/real/ava+logos-l14-linearMSE.pth'), clip: place('aesthetic/clip') },
  },
};

/** One image, scored by each reward on its own, then one table. */
function fiveRewards(): GraphDocument {
  const nodes: Record<string, unknown> = {
    images: node('input/load-images', { path: small }, {}),
  };
  for (const [id, { type, params: given }] of Object.entries(params)) {
    nodes[id] = node(type, given, {});
    nodes[`score-${id}`] = node('reward/score', {}, { images: [['images', 'images']], rewards: [[id, 'reward']] });
  }
  const scores = Object.keys(params).map((id) => [`score-${id}`, 'scores']);
  nodes.table = node('output/score-table', {}, { scores });
  return readGraph(JSON.stringify({ format: 'noiseloom-graph', version: 1, title: 'Five rewards', nodes }), library)
    .document;
}

function node(type: string, given: Record<string, unknown>, inputs: Record<string, unknown>) {
  return { type, version: 1, params: given, inputs, position: [0, 0] };
}

it('frees one reward to load the next where the memory kept for results is smaller than all five', async () => {
  const run = async (cacheBudget: number) => {
    const bytesAtStart = tf.memory().numBytes;
    const engine = createEngine({ library, device, files: diskFiles, cacheBudget });
    let [most, largest, before] = [0, 0, 0];
    const { status, freed } = await engine.run(fiveRewards(), {}, (event: RunEvent) => {
      const bytes = tf.memory().numBytes - bytesAtStart;
      most = Math.max(most, bytes);
      if (event.type === 'node-started') before = bytes;
      if (event.type === 'node-finished') largest = Math.max(largest, bytes - before);
    });
    expect(status).toBe('done');
    const kept = tf.memory().numBytes - bytesAtStart;
    await engine.clearCache();
    expect(tf.memory().numBytes).toBe(bytesAtStart);
    return { most, largest, kept, freed };
  };
  const all = await run(2 ** 30);
  const [budget, sum] = [1.2 * all.largest, all.kept];
  const few = await run(budget);
  expect(all.freed).toBe(0);
  expect(few.freed).toBeGreaterThan(sum - 2 * budget);
  expect(few.kept).toBeLessThanOrEqual(budget);
  expect(few.most).toBeLessThan(budget + all.largest);
  expect(few.most).toBeLessThan(0.6 * all.most);
}, 240_000);
