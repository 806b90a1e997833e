import { beforeAll, describe, expect, it } from 'vitest';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { dispose, mean, slice, type Tensor1D, type Tensor4D, tidy } from '../../../nodes/ml/tf.ts';
import { paretoNoise } from '../../../nodes/optimise/paretoNoise.ts';
import type { Reward } from '../../../nodes/ports.ts';
import { brightness } from '../../support/brightness.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';
import { sampling, stripeGenerator } from '../../support/stripeGenerator.ts';

const channel = (name: string, c: number): Reward => ({
  ...brightness,
  name,
  score: (pixels) => tidy(() => mean(slice(pixels, [0, 0, 0, c], [-1, -1, -1, 1]), [1, 2, 3]) as Tensor1D),
});
const params = {
  ...sampling,
  batch: 4,
  evaluations: 5,
  learningRate: 20,
  clip: 0.1,
  emphasis: 0.5,
  fresh: 0.3,
  keep: 3,
  reference: '0',
  whenHacking: 'say so',
  patience: 10,
} as const;
const rewards = [channel('red', 0), channel('green', 1)];

describe('Pareto noise', async () => {
  let latents: Tensor4D;
  const given = () => ({
    generator: stripeGenerator(),
    noise: { latents, seeds: [1, 2, 3, 4, 5] },
    prompt: 'grass and poppies',
    rewards,
    watch: [channel('blue', 2)],
    conditions: [],
  });
  beforeAll(async () => {
    await openTestDevice();
    latents = latentNoise([1, 2, 3, 4, 5], [4, 8, 3]);
  });
  guardLeaks();

  it('gives the front with its noise, scores and a trace of its volume', async () => {
    const { context, progress } = nodeContext();
    const { images, noise, scores, trace } = await paretoNoise.run(given(), params, context);
    const count = images.labels.length;
    expect(count).toBeLessThanOrEqual(3);
    expect(scores.names).toEqual(['red', 'green', 'blue']);
    expect(scores.values).toHaveLength(count);
    expect(noise.latents.shape).toEqual([count, 4, 8, 3]);
    expect(images.labels.every(({ prompt, seed }) => prompt === 'grass and poppies' && seed! >= 1 && seed! <= 5)).toBe(
      true,
    );
    expect(trace.columns.map(({ name, role }) => `${role} ${name}`)).toEqual([
      'total hypervolume',
      'reward red',
      'reward green',
      'watched blue',
      'measure members of the front',
    ]);
    expect(trace.values[0]).toHaveLength(5);
    expect(trace.values[0]!.at(-1)![0]).toBeGreaterThan(trace.values[0]![0]![0]!);
    expect(progress.at(-1)).toMatchObject({ fraction: 1, preview: true });
    dispose([images.pixels, noise.latents]);
  });

  it('draws fewer at a time than asked for where memory has no room, and says so', async () => {
    const inputs = given();
    const { images, noise, trace } = await paretoNoise.run(
      inputs,
      params,
      nodeContext({ freeBytes: () => 20_000 }).context,
    );
    expect(trace.remarks).toEqual([expect.stringMatching(/^4 images at once take .* are optimised at a time/)]);
    expect(inputs.generator.batches.every((size) => size < 4)).toBe(true);
    dispose([images.pixels, noise.latents]);
  });

  it('hands out the front it has where it is cancelled', async () => {
    const stop = new AbortController();
    const { context, saved } = nodeContext({
      signal: stop.signal,
      onProgress: (fraction) => fraction > 0.5 && stop.abort(),
    });
    await expect(paretoNoise.run(given(), params, context)).rejects.toMatchObject({ name: 'AbortError' });
    expect(saved.length).toBeGreaterThan(0);
    expect(saved[0]?.name).toBe('best-so-far-1.png');
  });

  it('refuses what gives no gradient, and a reference point of another length', async () => {
    const run = async (changed: object, reference = '0') =>
      paretoNoise.run({ ...given(), ...changed }, { ...params, reference }, nodeContext().context);
    await expect(run({ generator: { ...stripeGenerator(), differentiable: false } })).rejects.toMatchObject({
      code: 'NOT_DIFFERENTIABLE',
    });
    await expect(run({}, '0,0,0')).rejects.toMatchObject({ code: 'BAD_PARAM' });
  });
});
