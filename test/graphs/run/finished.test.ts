import { beforeAll, expect, it } from 'vitest';
import { createEngine } from '../../../graphs/engine/engine.ts';
import type { RunEvent } from '../../../graphs/run/events.ts';
import { defineNode, libraryOf, list, one } from '../../../nodes/defineNode.ts';
import { copyImages } from '../../../nodes/ml/image/copyImages.ts';
import { identify } from '../../../nodes/ml/image/imageIds.ts';
import * as tf from '../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { graph } from '../example.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const controller = { current: new AbortController() };
const prompts = defineNode({
  type: 'test/prompts',
  version: 1,
  title: 'Prompts',
  summary: 'Gives three prompts.',
  inputs: {},
  params: {},
  outputs: { prompts: list('text') },
  run: () => ({ prompts: ['0', '1', '2'] }),
});
const draw = defineNode({
  type: 'test/draw',
  version: 1,
  title: 'Draw',
  summary: 'Draws an image of a prompt, larger than a small copy; the run is cancelled during the last one.',
  inputs: { prompt: one('text') },
  params: {},
  outputs: { images: 'images' },
  async run({ prompt }, _params, { progress }) {
    if (prompt === '2') controller.current.abort();
    await progress(0.5);
    return { images: await identify(tf.fill([1, 2, 300, 3], Number(prompt) / 4), [{ prompt }]) };
  },
});
const save = defineNode({
  type: 'test/save',
  version: 1,
  title: 'Save',
  summary: 'Saves the first image, and cancels the run.',
  inputs: { images: one('images') },
  params: {},
  outputs: {},
  async run({ images: { labels } }, _params, { save, progress }) {
    save({ name: 'own.png', mime: 'image/png', bytes: new Uint8Array(1), label: labels[0]! });
    controller.current.abort();
    await progress(1);
  },
});
const node = (type: string, inputs: Record<string, [string, string][]> = {}) => ({
  type: `test/${type}`,
  version: 1,
  params: {},
  inputs,
  position: [0, 0] as const,
});

async function cancelled(nodes: Parameters<typeof graph>[0]) {
  controller.current = new AbortController();
  const engine = createEngine({
    library: libraryOf([prompts, draw, save]),
    device: { name: 'cpu', description: '', memory: {} },
    files: memoryFiles({}),
    cacheBudget: 0,
    copyImages,
  });
  const events: RunEvent[] = [];
  const { status } = await engine.run(graph(nodes), {}, (event) => events.push(event), controller.current.signal);
  expect(status).toBe('cancelled');
  return events.flatMap((event) => (event.type === 'image' ? [event] : []));
}

it('a run that is stopped keeps the images of the prompts that were done, as large as they are', async () => {
  const saved = await cancelled({ p: node('prompts'), d: node('draw', { prompt: [['p', 'prompts']] }) });
  expect(saved.map(({ node, label }) => [node, label?.prompt])).toEqual([
    ['d', '0'],
    ['d', '1'],
  ]);
  for (const { name } of saved) expect(name).toMatch(/^finished\/[\da-f]{32}\.png$/);
});

it('and those that a later node had not saved yet', async () => {
  controller.current = new AbortController();
  const one = defineNode({
    ...draw,
    inputs: {},
    type: 'test/one',
    outputs: { images: list('images') },
    title: 'One',
    async run() {
      const images = [0, 1].map((shade) => identify(tf.fill([1, 2, 2, 3], shade), [{ prompt: String(shade) }]));
      return { images: await Promise.all(images) };
    },
  });
  const engine = createEngine({
    library: libraryOf([one, save]),
    device: { name: 'cpu', description: '', memory: {} },
    files: memoryFiles({}),
    cacheBudget: 0,
    copyImages,
  });
  const events: RunEvent[] = [];
  const nodes = { o: node('one'), s: node('save', { images: [['o', 'images']] }) };
  await engine.run(graph(nodes), {}, (event) => events.push(event), controller.current.signal);
  const saved = events.flatMap((event) => (event.type === 'image' ? [[event.node, event.label?.prompt]] : []));
  expect(saved).toEqual([
    ['s', '0'],
    ['o', '1'],
  ]);
});
