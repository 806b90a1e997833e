import { beforeAll, describe, expect, it } from 'vitest';
import { loadDistribution } from '../../../nodes/input/loadDistribution.ts';
import { sampleDistribution } from '../../../nodes/input/sampleDistribution.ts';
import { latentNoise, normalLatents } from '../../../nodes/ml/random.ts';
import { dispose, mean, mul, type Tensor1D, tensor3d, tidy } from '../../../nodes/ml/tf.ts';
import { writeSafetensors } from '../../../nodes/ml/weights/writeSafetensors.ts';
import { find } from '../../../nodes/optimise/find.ts';
import { saveDistribution } from '../../../nodes/output/saveDistribution.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { identified } from '../../support/identified.ts';
import { memoryFiles } from '../../support/memoryFiles.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { sampling, stripeGenerator } from '../../support/stripeGenerator.ts';

const params = {
  ...sampling,
  batch: 3,
  seed: 10,
  keep: 2,
  width: 0,
  height: 0,
  whenHacking: 'say so',
  patience: 10,
  iterations: 60,
  perIteration: 4,
  learningRate: 0.02,
  calibration: 'running mean',
  filter: 'all',
  reuse: 6,
  clip: 0.2,
  prior: 0.01,
  samples: 4,
} as const;
const inputs = { generator: stripeGenerator(), prompt: 'bright', rewards: [brightness], watch: [], conditions: [] };
/** What can only be called forward: it reads its pixels. */
const blackBox: Reward = { ...brightness, name: 'black box', differentiable: false };
const darkness: Reward = {
  ...brightness,
  name: 'darkness',
  score: (pixels) => tidy(() => mul(brightness.score(pixels, []), -1)),
};

describe('FIND', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();

  it('learns a distribution of brighter images without a gradient, and draws from it', async () => {
    const { context, progress } = nodeContext();
    const generator = { ...stripeGenerator(), differentiable: false };
    const given = { ...inputs, generator, rewards: [blackBox], watch: [darkness] };
    const { distribution, noise, images, scores, bestImages, bestNoise, bestScores, trace } = await find.run(
      given,
      params,
      context,
    );
    expect(distribution.mean.shape).toEqual([4, 8, 3]);
    expect(distribution.prompt).toBe('bright');
    expect([...(await distribution.mean.data())].reduce((sum, value) => sum + value, 0) / 96).toBeGreaterThan(0.1);
    const seeds = [250, 251, 252, 253]; // those after 60 iterations of 4 from 10
    expect(noise.seeds).toEqual(seeds);
    expect(images.labels).toEqual(identified(seeds.map((seed) => ({ prompt: 'bright', seed }))));
    const again = (await sampleDistribution.run({ distribution }, { seed: 250, count: 4 }, context)).noise;
    expect([...(await again.latents.data())]).toEqual([...(await noise.latents.data())]);
    const learned = scores.values.reduce((sum, [score]) => sum + score!, 0) / 4;
    expect(learned).toBeGreaterThan(0.5 + 0.02); // plain noise gives 0.5, its mean of 96 pixels deviates by 0.02
    expect(scores.values.every(([bright, dark]) => bright === -dark!)).toBe(true);

    const { columns, values, kept } = trace;
    expect(columns.map(({ name }) => name)).toEqual([
      'total',
      'black box',
      'darkness',
      'best total',
      'images',
      'drift',
      'spread',
    ]);
    const rows = values[0]!;
    expect(rows).toHaveLength(60);
    expect(rows.at(-1)?.[4]).toBe(240);
    expect(bestScores.values[0]?.[0]).toBeCloseTo(rows.at(-1)![3]!, 6);
    expect(rows[kept[0]!]![3]).toBe(rows.at(-1)![3]);
    expect(rows[kept[0]! - 1]?.[3] ?? -1).toBeLessThan(rows.at(-1)![3]!);
    expect(bestScores.values[0]![0]!).toBeGreaterThanOrEqual(bestScores.values[1]![0]!);
    expect(bestImages.pixels.shape).toEqual([2, 4, 8, 3]);
    expect(trace.remarks).toEqual([expect.stringContaining('The search may be exploiting its rewards')]);
    expect(progress.at(-1)?.text).toContain('drawing');
    dispose([distribution.mean, distribution.std, noise.latents, images.pixels, again.latents]);
    dispose([bestImages.pixels, bestNoise.latents]);
  });

  it('stops where the watched reward falls, if asked to, with what was best before', async () => {
    const hacking = { ...params, whenHacking: 'stop', patience: 5 } as const;
    const result = await find.run({ ...inputs, watch: [darkness] }, hacking, nodeContext().context);
    const rows = result.trace.values[0]!;
    expect(rows.length).toBeLessThan(60);
    expect(result.trace.kept[0]).toBeLessThan(rows.length - 4);
    expect(result.trace.remarks[1]).toContain('stopped there');
    expect(result.bestScores.values[0]?.[0]).toBeCloseTo(rows[result.trace.kept[0]!]![3]!, 6);
    const { distribution, noise, images, bestImages, bestNoise } = result;
    dispose([distribution.mean, distribution.std, noise.latents, images.pixels, bestImages.pixels, bestNoise.latents]);
  });

  it('keeps the best so far where a reward gives NaN, hands it out where it is cancelled, and frees everything', async () => {
    let calls = 0;
    const breaks: Reward = {
      ...brightness,
      name: 'breaks',
      score: (pixels) => tidy(() => mul(mean(pixels, [1, 2, 3]) as Tensor1D, calls++ > 6 ? Number.NaN : 1)),
    };
    const { trace, scores, bestScores, ...given } = await find.run(
      { ...inputs, rewards: [breaks] },
      params,
      nodeContext().context,
    );
    expect(trace.values[0]!.length).toBeLessThan(60);
    expect(trace.remarks).toEqual([
      expect.stringMatching(/stopped in round \d+, because the reward "breaks" gave NaN; its best so far is kept/),
      expect.stringContaining('cannot be scored, because the reward "breaks" gave NaN'),
    ]);
    expect(scores).toEqual(bestScores);
    const { distribution, noise, images, bestImages, bestNoise } = given;
    dispose([distribution.mean, distribution.std, noise.latents, images.pixels, bestImages.pixels, bestNoise.latents]);
    calls = 100;
    await expect(find.run({ ...inputs, rewards: [breaks] }, params, nodeContext().context)).rejects.toMatchObject({
      code: 'NOT_FINITE',
    });
    const stop = new AbortController();
    const { context, saved } = nodeContext({
      signal: stop.signal,
      onProgress: (fraction) => fraction > 0.1 && stop.abort(),
    });
    await expect(find.run(inputs, params, context)).rejects.toMatchObject({ name: 'AbortError' });
    expect(saved.map(({ name }) => name)).toEqual(['best-so-far-1.png', 'best-so-far-2.png']);
  });
});

describe('a distribution', async () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();
  const load = (bytes: Uint8Array) =>
    loadDistribution.run(
      {},
      { path: 'd.safetensors' },
      nodeContext({ files: memoryFiles({ 'd.safetensors': bytes }) }).context,
    );

  it('is saved and loaded as it was', async () => {
    const values = Array.from({ length: 24 }, (_, i) => i / 10 + 0.1);
    const distribution = {
      mean: tensor3d(values, [2, 4, 3]),
      std: tensor3d(values, [2, 4, 3]),
      prompt: 'a red circle',
    };
    const { context, saved } = nodeContext();
    await saveDistribution.run({ distribution }, { name: 'red' }, context);
    expect(saved[0]?.name).toBe('red.safetensors');
    const loaded = (await load(saved[0]!.bytes)).distribution;
    expect(loaded.prompt).toBe('a red circle');
    expect(loaded.mean.shape).toEqual([2, 4, 3]);
    expect([...(await loaded.mean.data())]).toEqual([...(await distribution.mean.data())]);
    expect([...(await loaded.std.data())]).toEqual([...(await distribution.std.data())]);
    dispose([distribution.mean, distribution.std, loaded.mean, loaded.std]);
  });

  it('N(0, 1) is plain noise', async () => {
    const plain = latentNoise([5], [2, 4, 3]);
    expect([...normalLatents(5, [2, 4, 3])]).toEqual([...(await plain.data())]);
    plain.dispose();
  });

  it('is refused where a file holds something else', async () => {
    const stored = (shape: readonly number[], value: number) => ({
      dtype: 'F32' as const,
      shape,
      values: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
    });
    const file = (entries: Record<string, ReturnType<typeof stored>>) =>
      load(writeSafetensors(new Map(Object.entries(entries))));
    const mean = stored([1, 2, 3, 3], 0);
    await expect(file({ mean })).rejects.toThrow('it holds no "std"');
    await expect(file({ mean, std: stored([2, 3, 3], 1) })).rejects.toThrow('instead of [1, c, h, w]');
    await expect(file({ mean, std: stored([1, 2, 3, 4], 1) })).rejects.toThrow(
      'its mean is 1x2x3x3 and its std 1x2x3x4',
    );
    await expect(file({ mean, std: stored([1, 2, 3, 3], 0) })).rejects.toThrow('not above 0');
  });
});
