import { beforeAll, describe, expect, it } from 'vitest';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { dispose, mean, mul, type Tensor1D, type Tensor4D, tidy } from '../../../nodes/ml/tf.ts';
import { bestOfN } from '../../../nodes/optimise/bestOfN.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { identified } from '../../support/identified.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { sampling, stripeGenerator } from '../../support/stripeGenerator.ts';

const scaled = (by: number) => (pixels: Tensor4D) => tidy(() => mul(mean(pixels, [1, 2, 3]), by) as Tensor1D);
const params = { ...sampling, batch: 3, seed: 10, candidates: 8, keep: 3, width: 0, height: 0 };
const inputs = { generator: stripeGenerator(), prompt: 'bright', rewards: [brightness], watch: [], conditions: [] };

describe('best of N', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('keeps the best, with the noise and the scores they came from', async () => {
    const { context, progress } = nodeContext();
    const { images, noise, scores, allScores } = await bestOfN.run(inputs, params, context);
    const brightnessOf = async (seed: number) => {
      const latents = latentNoise([seed], [4, 8, 3]);
      const values = Float32Array.from(await latents.data(), (x) => 1 / (1 + Math.exp(-x * 1.25)));
      latents.dispose();
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    const expected = await Promise.all(Array.from({ length: 8 }, (_, i) => brightnessOf(10 + i)));
    allScores.values.forEach(([score], i) => {
      expect(score).toBeCloseTo(expected[i] ?? Number.NaN, 5);
    });
    const ranking = expected.map((score, i) => ({ score, seed: 10 + i })).sort((a, b) => b.score - a.score);
    expect(noise.seeds).toEqual(ranking.slice(0, 3).map(({ seed }) => seed));
    expect(images.labels).toEqual(identified(noise.seeds.map((seed) => ({ seed, prompt: 'bright' }))));
    expect(scores.labels).toEqual(images.labels);
    expect(scores.names).toEqual(['brightness']);
    scores.values.forEach(([score], i) => {
      expect(score).toBeCloseTo(ranking[i]?.score ?? Number.NaN, 5);
    });
    const again = latentNoise(noise.seeds, [4, 8, 3]);
    expect([...(await noise.latents.data())]).toEqual([...(await again.data())]);
    const rescored = brightness.score(images.pixels, []);
    (await rescored.data()).forEach((score, i) => {
      expect(score).toBeCloseTo(scores.values[i]?.[0] ?? Number.NaN, 5);
    });
    const fractions = progress.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(progress.at(-1)).toMatchObject({
      fraction: 1,
      preview: true,
      text: expect.stringContaining(`seed ${noise.seeds[0]}`),
    });
    dispose([images.pixels, noise.latents, again, rescored]);
  });

  it('keeps fewer where there are fewer, and the first of equals', async () => {
    const { context } = nodeContext();
    const level: Reward = { ...brightness, score: scaled(0) };
    const { images, noise } = await bestOfN.run(
      { ...inputs, rewards: [level] },
      { ...params, candidates: 2, keep: 5 },
      context,
    );
    expect(noise.seeds).toEqual([10, 11]);
    dispose([images.pixels, noise.latents]);
  });

  it('frees everything when it is cancelled or a reward gives NaN', async () => {
    const stop = new AbortController();
    const { context } = nodeContext({ signal: stop.signal, onProgress: (fraction) => fraction > 0.5 && stop.abort() });
    await expect(bestOfN.run(inputs, params, context) as Promise<unknown>).rejects.toMatchObject({
      name: 'AbortError',
    });
    const broken: Reward = {
      ...brightness,
      name: 'broken',
      score: scaled(Number.NaN),
    };
    const run = bestOfN.run(
      { ...inputs, rewards: [brightness, broken] },
      params,
      nodeContext().context,
    ) as Promise<unknown>;
    await expect(run).rejects.toMatchObject({ code: 'NOT_FINITE', message: expect.stringContaining('broken') });
  });
});
