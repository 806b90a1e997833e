import { beforeAll, describe, expect, it } from 'vitest';
import type { GraphDocument, GraphNode } from '../../../graphs/document/document.ts';
import { createEngine } from '../../../graphs/engine/engine.ts';
import { library } from '../../../nodes/index.ts';
import type { Device } from '../../../nodes/ml/device.ts';
import { memory } from '../../../nodes/ml/tf.ts';
import { openTestDevice } from '../../support/devices.ts';
import { diskFiles, goldenFolder } from '../../support/golden.ts';

const node = (type: string, params: GraphNode['params'], inputs: GraphNode['inputs'] = {}): GraphNode => ({
  type,
  version: library.get(type)!.version,
  params,
  inputs,
  position: [0, 0],
});

const document: GraphDocument = {
  format: 'noiseloom-graph',
  version: 2,
  title: 'Repeated',
  nodes: {
    model: node('model/load-generator', { model: goldenFolder('tiny-sd-turbo') }),
    noise: node('input/noise', { seed: 0, width: 64, height: 64 }, { generator: [['model', 'generator']] }),
    prompt: node('input/text', { text: 'a red dog' }),
    sample: node(
      'generate/sample',
      { steps: 1 },
      { generator: [['model', 'generator']], noise: [['noise', 'noise']], prompt: [['prompt', 'text']] },
    ),
    save: node('output/save-images', {}, { images: [['sample', 'images']] }),
  },
};

describe('fifty runs', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openTestDevice();
  });

  it('leave tensors and memory where they were after the first ones', async () => {
    const engine = createEngine({ library, device, files: diskFiles, cacheBudget: 8 * 2 ** 20 });
    const run = async (seed: number) => {
      const finished = await engine.run(document, { overrides: { 'noise.seed': seed } }, () => {});
      expect(finished.status).toBe('done');
    };
    for (let i = 0; i < 15; i++) await run(i);
    const before = { tensors: memory().numTensors, bytes: memory().numBytes, rss: process.memoryUsage().rss };
    for (let i = 15; i < 50; i++) await run(i);
    // The cache may hold results of a few more runs within its budget.
    expect(memory().numBytes - before.bytes).toBeLessThan(8 * 2 ** 20);
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(48 * 2 ** 20);
    await engine.clearCache();
    expect(memory().numTensors).toBe(0);
  });
});
