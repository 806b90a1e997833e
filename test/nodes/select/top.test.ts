import { beforeAll, describe, expect, it } from 'vitest';
import { dispose, type Tensor4D, tensor4d } from '../../../nodes/ml/tf.ts';
import { top } from '../../../nodes/select/top.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';
import { nodeContext } from '../../support/nodeContext.ts';

const labels = [{ seed: 0 }, { seed: 1 }, { seed: 2 }];
const scores = {
  names: ['a', 'b'],
  values: [
    [1, 5],
    [2, 5],
    [9, -7],
  ],
  labels,
};
const { context } = nodeContext();

describe('top', async () => {
  let pixels: Tensor4D;
  beforeAll(async () => {
    await openTestDevice();
    pixels = tensor4d([0, 0, 0, 1, 1, 1, 2, 2, 2], [3, 1, 1, 3]);
  });
  guardLeaks();

  it.each([
    [{ keep: 2, by: '', best: 'highest' }, [1, 0]],
    [{ keep: 1, by: 'a', best: 'highest' }, [2]],
    [{ keep: 9, by: 'b', best: 'lowest' }, [2, 0, 1]],
    [{ keep: 9, by: 'b', best: 'highest' }, [0, 1, 2]],
  ] as const)('%j keeps %j', async (params, kept) => {
    const result = await top.run({ images: { pixels, labels }, scores }, params, context);
    expect(result.images.labels.map(({ seed }) => seed)).toEqual(kept);
    expect([...(await result.images.pixels.data())]).toEqual(kept.flatMap((seed) => [seed, seed, seed]));
    expect(result.scores).toEqual({
      names: ['a', 'b'],
      values: kept.map((i) => scores.values[i]),
      labels: kept.map((i) => labels[i]),
    });
    dispose(result.images.pixels);
  });

  it('explains scores of other images and unknown names', () => {
    const run = (by: string, rows: number) =>
      top.run(
        { images: { pixels, labels }, scores: { ...scores, values: scores.values.slice(0, rows) } },
        { keep: 1, by, best: 'highest' },
        context,
      );
    expect(() => run('', 2)).toThrow('There are 3 images but 2 rows of scores');
    expect(() => run('c', 3)).toThrow('There is no score "c"; there are "a", "b".');
  });
});
