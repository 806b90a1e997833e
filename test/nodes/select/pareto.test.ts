import { beforeAll, describe, expect, it } from 'vitest';
import { dispose, type Tensor4D, tensor4d } from '../../../nodes/ml/tf.ts';
import { pareto } from '../../../nodes/select/pareto.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const labels = [{ seed: 0 }, { seed: 1 }, { seed: 2 }, { seed: 3 }, { seed: 4 }];
const scores = {
  names: ['a', 'b'],
  values: [
    [1, 9],
    [5, 5],
    [4, 4],
    [6, 4],
    [10, 0],
  ],
  labels,
};
const { context } = nodeContext();
const params = { limit: 0, order: 'as they came', reference: '0' } as const;

describe('pareto front', async () => {
  let pixels: Tensor4D;
  beforeAll(async () => {
    await openTestDevice();
    pixels = tensor4d(
      [0, 1, 2, 3, 4].flatMap((i) => [i, i, i]),
      [5, 1, 1, 3],
    );
  });
  guardLeaks();

  it.each([
    [{}, [0, 1, 3, 4]],
    [{ order: 'crowding', limit: 3 }, [0, 4, 1]], // the ends, then (6 - 1) / 9 + (9 - 4) / 9
    [{ order: 'knee', limit: 2 }, [1, 3]], // min(4, 5) / 9 and min(5, 4) / 9: of equals the earlier
  ] as const)('%j keeps %j', async (changed, kept) => {
    const noise = { latents: pixels, seeds: [7, 8, 9, 10, 11] };
    const result = await pareto.run({ images: { pixels, labels }, scores, noise }, { ...params, ...changed }, context);
    expect(result.images.labels.map(({ seed }) => seed)).toEqual(kept);
    expect([...(await result.images.pixels.data())]).toEqual(kept.flatMap((i) => [i, i, i]));
    expect(result.scores.values).toEqual(kept.map((i) => scores.values[i]));
    expect(result.scores.labels).toEqual(kept.map((i) => labels[i]));
    const [front] = result.noise;
    expect(front?.seeds).toEqual(kept.map((i) => 7 + i));
    expect([...(await front!.latents.data())]).toEqual(kept.flatMap((i) => [i, i, i]));
    expect(result.hypervolume).toBe(1 * 9 + 4 * 5 + 1 * 4);
    dispose([result.images.pixels, front!.latents]);
  });

  it('takes a reference point for all scores or each, and explains others', async () => {
    const run = (reference: string) =>
      pareto.run({ images: { pixels, labels }, scores, noise: undefined }, { ...params, reference }, context);
    const { images, noise, hypervolume } = await run('5, 1');
    expect(hypervolume).toBe(1 * 3);
    expect(noise).toEqual([]);
    images.pixels.dispose();
    for (const text of ['', '1,2,3', 'low']) {
      expect(() => run(text)).toThrow(`The reference point is "${text}"; give one number for all scores, or 2`);
    }
  });

  it('refuses rows of other images', () => {
    const short = { ...scores, values: scores.values.slice(1) };
    const run = () => pareto.run({ images: { pixels, labels }, scores: short, noise: undefined }, params, context);
    expect(run).toThrow('There are 5 images but 4 rows of scores');
  });
});
