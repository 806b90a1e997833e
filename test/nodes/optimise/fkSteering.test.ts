import { beforeAll, describe, expect, it } from 'vitest';
import { sample } from '../../../nodes/generate/sample.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { dispose, mean, type Tensor4D, tensor1d, tidy, zeros } from '../../../nodes/ml/tf.ts';
import { fkSteering } from '../../../nodes/optimise/fkSteering.ts';
import type { Condition, ControlNet, Images, Reward } from '../../../nodes/ports.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { rowGenerator } from '../../support/rowGenerator.ts';

const params = {
  scheduler: 'ddim',
  schedule: 'model',
  timesteps: '',
  steps: 10,
  guidanceScale: -1,
  eta: 1,
  negativePrompt: '',
  batch: 3,
  seed: 20,
  particles: 6,
  keep: 6,
  potential: 'difference',
  strength: 100,
  first: 0.2,
  last: 0.9,
  every: 2,
  width: 0,
  height: 0,
} as const;
const inputs = () => ({
  generator: rowGenerator(),
  prompt: 'bright',
  rewards: [brightness],
  watch: [],
  conditions: [],
});

/** Columns of a trace by name. */
const column = (
  { trace }: { trace: { columns: readonly { name: string }[]; values: readonly (readonly (readonly number[])[])[] } },
  name: string,
) => trace.values[0]!.map((row) => row[trace.columns.findIndex((each) => each.name === name)]!);

describe('steering by Feynman-Kac weights', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  const valuesOf = async (images: Images) => {
    const values = [...(await images.pixels.data())];
    images.pixels.dispose();
    const size = values.length / images.labels.length;
    return images.labels.map((_, i) => values.slice(i * size, (i + 1) * size));
  };

  it('steers towards the reward, from fewer ancestors, and says what it spent', async () => {
    const { context, progress, remarks } = nodeContext();
    const given = inputs();
    const steered = await fkSteering.run(given, params, context);
    const plain = await fkSteering.run(inputs(), { ...params, strength: 0 }, nodeContext().context);
    const means = [steered, plain].map(({ scores }) => scores.values.reduce((sum, [score]) => sum + score!, 0) / 6);
    expect(means[0]).toBeGreaterThan(means[1]!);
    expect(steered.scores.values[0]![0]).toBeGreaterThan(plain.scores.values[0]![0]!);
    expect(steered.scores.values.map(([score]) => score)).toEqual(
      steered.scores.values.map(([score]) => score!).sort((a, b) => b - a),
    );
    expect(steered.scores.names).toEqual(['brightness', 'share']);
    expect(steered.scores.values.reduce((sum, [, share]) => sum + share!, 0)).toBeCloseTo(1, 9);
    expect(column(steered, 'step')).toEqual([2, 4, 6, 8, 10]);
    const ancestors = column(steered, 'ancestors');
    expect(ancestors.at(-1)).toBeLessThan(6);
    expect(ancestors).toEqual([...ancestors].sort((a, b) => b - a));
    expect(new Set(steered.images.labels.map(({ seed }) => seed)).size).toBe(ancestors.at(-1));
    expect(column(steered, 'drawn').slice(0, -1)).toContain(1);
    expect(column(steered, 'model calls')).toEqual([12, 24, 36, 48, 60]);
    expect(given.generator.rows).toEqual(new Array(10).fill(6));
    expect(column(steered, 'decodes')).toEqual([6, 12, 18, 24, 30]);
    expect(column(steered, 'reward calls')).toEqual([6, 12, 18, 24, 30]);
    expect(progress.filter(({ preview }) => preview)).toHaveLength(5); // of all particles, at each look
    expect(progress.find(({ figures }) => figures)?.figures).toMatchObject({ ancestors: expect.any(Number) });
    expect(remarks).toEqual([]);
    dispose([steered.images.pixels, plain.images.pixels]);
  });

  it('says where it looked at no step, and refuses condition images of other numbers', async () => {
    const { context, remarks } = nodeContext();
    const steered = await fkSteering.run(inputs(), { ...params, first: 0.9, last: 0.3 }, context);
    expect(remarks).toEqual([expect.stringContaining('No step lies between 0.9 and 0.3')]);
    const image: Tensor4D = zeros([2, 4, 4, 3]);
    const conditions: Condition[] = [{ controlnet: {} as ControlNet, image, scale: 1, start: 0, end: 1 }];
    await expect(fkSteering.run({ ...inputs(), conditions }, params, nodeContext().context)).rejects.toMatchObject({
      code: 'ROWS_DIFFER',
      at: { port: 'conditions' },
    });
    dispose([steered.images.pixels, image]);
  });

  it.each(['difference', 'max', 'sum'] as const)('gives plain samples at strength 0: %s', async (potential) => {
    const { context } = nodeContext();
    const steered = await fkSteering.run(inputs(), { ...params, potential, strength: 0 }, context);
    const seeds = steered.images.labels.map(({ seed }) => seed!);
    expect([...seeds].sort()).toEqual([20, 21, 22, 23, 24, 25]);
    const noise = { latents: latentNoise(seeds, [4, 4, 3]), seeds };
    const plain = await sample.run(
      { ...inputs(), noise, expandedPrompt: undefined, statistics: undefined },
      { ...params, originalWeight: 1, expandedWeight: 1, batch: 6 },
      context,
    );
    noise.latents.dispose();
    expect(await valuesOf(steered.images)).toEqual(await valuesOf(plain.images));
  });

  it('gives the same again, and other images from another seed', async () => {
    const run = async (seed: number) =>
      valuesOf((await fkSteering.run(inputs(), { ...params, seed, keep: 2 }, nodeContext().context)).images);
    const first = await run(20);
    expect(first).toHaveLength(2);
    expect(await run(20)).toEqual(first);
    expect(await run(40)).not.toEqual(first);
  });

  /** No number for images that are darker than the mean of their batch, from the given call on. */
  const fussy = (from: number, all = false): Reward => {
    let calls = 0;
    return {
      ...brightness,
      name: 'fussy',
      score(pixels: Tensor4D) {
        const means = tidy(() => mean(pixels, [1, 2, 3]));
        const scores = [...means.dataSync()];
        means.dispose();
        const level = all ? Number.POSITIVE_INFINITY : scores.reduce((sum, score) => sum + score, 0) / scores.length;
        const isOut = ++calls >= from;
        return tensor1d(scores.map((score) => (isOut && score < level ? Number.NaN : score)));
      },
    };
  };

  it('drops particles whose reward is no number, and says so', async () => {
    const steered = await fkSteering.run(
      { ...inputs(), rewards: [fussy(2)] },
      { ...params, batch: 6, strength: 0 },
      nodeContext().context,
    );
    expect(steered.trace.remarks[0]).toMatch(
      /^In step 4 the reward "fussy" gave NaN for \d of 6 particles, and these were dropped\.$/,
    );
    expect(column(steered, 'drawn')[0]).toBe(0);
    expect(column(steered, 'drawn')[1]).toBe(1); // although all others weigh the same
    expect(column(steered, 'ancestors')[1]).toBeLessThan(6);
    expect(steered.scores.values.every(([score]) => Number.isFinite(score))).toBe(true);
    expect(steered.images.labels.length).toBeLessThan(6);
    steered.images.pixels.dispose();
  });

  it('ends in a sentence where no particle has a reward, and frees everything', async () => {
    for (const from of [1, 3, 5]) // 5: the final images
      await expect(
        fkSteering.run({ ...inputs(), rewards: [fussy(from, true)] }, { ...params, batch: 6 }, nodeContext().context),
      ).rejects.toMatchObject({ code: 'NOT_FINITE', message: expect.stringContaining('gave NaN for all 6 particles') });
  });

  it.each([
    { scheduler: 'euler' as const, eta: 1 },
    { scheduler: 'ddim' as const, eta: 0 },
  ])('refuses schedulers in which copies stay equal: $scheduler, eta $eta', async (sampler) => {
    const run = fkSteering.run(inputs(), { ...params, ...sampler }, nodeContext().context);
    await expect(run).rejects.toMatchObject({ code: 'BAD_PARAM', at: { param: 'scheduler' } });
  });

  it('frees everything when it is cancelled', async () => {
    for (const at of [0, 0.3, 0.95]) {
      const stop = new AbortController();
      const { context } = nodeContext({
        signal: stop.signal,
        onProgress: (fraction) => fraction >= at && stop.abort(),
      });
      await expect(fkSteering.run(inputs(), params, context)).rejects.toMatchObject({ name: 'AbortError' });
    }
  });
});
