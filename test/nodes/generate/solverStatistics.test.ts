import { beforeAll, describe, expect, it } from 'vitest';
import { sample } from '../../../nodes/generate/sample.ts';
import { solverStatistics } from '../../../nodes/generate/solverStatistics.ts';
import { loadStatistics } from '../../../nodes/input/loadStatistics.ts';
import { createScheduler } from '../../../nodes/ml/diffusion/createScheduler.ts';
import { schedulerConfig } from '../../../nodes/ml/diffusion/schedulers.ts';
import { loadGenerator } from '../../../nodes/ml/models/load/loadGenerator.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { mul, type Tensor4D } from '../../../nodes/ml/tf.ts';
import { writeNpz } from '../../../nodes/ml/weights/npz.ts';
import { saveStatistics } from '../../../nodes/output/saveStatistics.ts';
import type { Generator, Statistics } from '../../../nodes/ports.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { stripeGenerator } from '../../support/stripeGenerator.ts';
import { tinyModel } from '../../support/tinyModels.ts';

beforeAll(async () => void (await openTestDevice()));
guardLeaks();

const params = {
  ...{ samples: 3, grid: 12, share: false, order: 2, corrector: false },
  ...{ guidanceScale: 2, negativePrompt: '', seed: 5, width: 16, height: 16, batch: 2 },
};
const sampling = {
  ...{ scheduler: 'dpm-v3', schedule: 'model', timesteps: '', steps: 3, guidanceScale: 2, eta: 0 },
  ...{ negativePrompt: '', batch: 4, originalWeight: 5, expandedWeight: 5 },
} as const;
const openTiny = () => loadGenerator(memoryFiles({ ...files }), 'model');
const files = Object.fromEntries(
  Object.entries(tinyModel('sd1').files).map(([name, content]) => [`model/${name}`, content]),
);
const aborting = (at: number) => {
  const { context } = nodeContext();
  let calls = 0;
  return {
    ...context,
    progress: async () => {
      if (++calls >= at) throw new Error('cancelled');
    },
  };
};

async function estimate(generator: Generator, changes: Partial<typeof params> = {}, made = nodeContext()) {
  const { statistics } = await solverStatistics.run(
    { generator, prompts: ['a red dog', 'a dog'] },
    { ...params, ...changes },
    made.context,
  );
  return { statistics: statistics as Statistics, ...made };
}

async function draw(generator: Generator, statistics: Statistics | undefined, changes: object = {}) {
  const { context, remarks } = nodeContext();
  const noise = { latents: latentNoise([1], generator.latentShape(16, 16)), seeds: [1] };
  try {
    const { images } = await sample.run(
      { generator, noise, prompt: 'a red dog', conditions: [], ...(statistics && { statistics }) },
      { ...sampling, ...changes },
      context,
    );
    const pixels = Float32Array.from(await images.pixels.data());
    images.pixels.dispose();
    return { pixels, remarks };
  } finally {
    noise.latents.dispose();
  }
}

describe('solver statistics', () => {
  it('are of the size of the latents, and come back from their published files as they were', async () => {
    const generator = await openTiny();
    const { statistics, remarks, progress } = await estimate(generator);
    const [h, w, c] = generator.latentShape(16, 16);
    expect(statistics).toMatchObject({ grid: 12, shape: [h, w, c], order: 2, corrector: false });
    expect(statistics.l).toHaveLength(13 * h * w * c);
    expect([statistics.l, statistics.s, statistics.b].every((values) => values.every(Number.isFinite))).toBe(true);
    expect(remarks.at(-1)).toContain('of 3 images that the model drew itself');
    const fractions = progress.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBeCloseTo(1, 6);

    const { context, saved } = nodeContext();
    saveStatistics.run({ statistics }, {}, context);
    expect(saved.map(({ name }) => name)).toEqual(['l.npz', 'sb.npz']);
    const stored = memoryFiles(Object.fromEntries(saved.map(({ name, bytes }) => [name, bytes])));
    const { statistics: loaded } = await loadStatistics.run(
      {},
      { l: 'l.npz', sb: 'sb.npz', order: 2, corrector: false },
      nodeContext({ files: stored }).context,
    );
    expect(loaded).toEqual(statistics);

    const [with_, plain] = [await draw(generator, statistics), await draw(generator, undefined)];
    expect(with_.remarks).toEqual([]);
    expect(plain.remarks).toEqual([expect.stringContaining('has no statistics of this model')]);
    expect(with_.pixels).not.toEqual(plain.pixels);
    expect((await draw(generator, statistics, { scheduler: 'euler' })).remarks).toEqual([
      expect.stringContaining('The scheduler euler reads no solver statistics'),
    ]);
    generator.dispose();
  });

  it('are the same whatever the batch, and serve any size where places share them', async () => {
    const generator = await openTiny();
    const [one, three] = [
      await estimate(generator, { batch: 1, share: true }),
      await estimate(generator, { batch: 3, share: true }),
    ];
    expect(one.statistics.shape.slice(0, 2)).toEqual([1, 1]);
    for (const name of ['l', 's', 'b'] as const)
      for (const [i, value] of one.statistics[name].entries()) expect(three.statistics[name][i]).toBeCloseTo(value, 2);
    await draw(generator, one.statistics);
    const { statistics } = await estimate(generator, { width: 24 });
    await expect(draw(generator, statistics)).rejects.toMatchObject({
      code: 'DOES_NOT_FIT',
      at: { port: 'statistics' },
    });
    generator.dispose();
  });

  it('leave nothing where they are cancelled, in either part', async () => {
    const generator = await openTiny();
    for (const at of [1, 3, 50, 60])
      await expect(solverStatistics.run({ generator, prompts: ['a dog'] }, params, aborting(at))).rejects.toThrow(
        'cancelled',
      );
    generator.dispose();
  });

  it('are refused for models without timesteps or gradients', async () => {
    const generator = stripeGenerator();
    await expect(
      solverStatistics.run({ generator, prompts: ['a'] }, params, nodeContext().context),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED', at: { port: 'generator' } });
    expect(generator.batches).toEqual([]); // nothing was drawn for it
  });

  it('are refused where the model gives no finite numbers', async () => {
    const predictor = {
      lambdas: (grid: number) => Array.from({ length: grid + 1 }, (_, i) => i / grid),
      predict: (x: Tensor4D) => mul<Tensor4D>(x, Number.NaN),
      dispose: () => {},
    };
    const generator = { ...stripeGenerator(), noisePredictor: () => predictor };
    await expect(
      solverStatistics.run({ generator, prompts: ['a'] }, params, nodeContext().context),
    ).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringContaining('The statistic l of "stripes" has the value NaN'),
      at: { port: 'generator' },
    });
  });

  const shape = [3, 1, 2, 2];
  const values = new Float32Array(12);
  it.each([
    ['an array is missing', { l: { shape, values } }, { s: { shape, values } }, 'they hold no array "b"'],
    ['shapes differ', { l: { shape: [3, 2, 1, 2], values } }, { s: { shape, values }, b: { shape, values } }, 'three of (grid + 1) x c x h x w'],
    ['a number is none', { l: { shape, values: values.map(() => Number.NaN) } }, { s: { shape, values }, b: { shape, values } }, 'not finite'],
  ])('are refused from files where %s', async (_, l, sb, message) => {
    const stored = memoryFiles({ 'l.npz': writeNpz(l), 'sb.npz': writeNpz(sb as never) });
    await expect(
      loadStatistics.run({}, { l: 'l.npz', sb: 'sb.npz', order: 2, corrector: false }, nodeContext({ files: stored }).context),
    ).rejects.toMatchObject({ code: 'BAD_FILE', message: expect.stringContaining(message) });
  }); // biome-ignore format: a table

  it('of a coarse grid cannot serve many steps', () => {
    const config = schedulerConfig({ _class_name: 'DDIMScheduler', beta_schedule: 'scaled_linear' }, 'dpm-v3');
    const few: Statistics = {
      grid: 4,
      shape: [],
      l: new Float32Array(5),
      s: new Float32Array(5),
      b: new Float32Array(5),
      order: 2,
      corrector: false,
    };
    expect(() => createScheduler(config, few).plan(10)).toThrow('come to point');
    expect(createScheduler(config, few).plan(2).timesteps).toHaveLength(2);
  });
});
