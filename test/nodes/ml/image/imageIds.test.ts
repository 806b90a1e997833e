import { beforeAll, describe, expect, it } from 'vitest';
import { identify, imageIds } from '../../../../nodes/ml/image/imageIds.ts';
import { clone, type Tensor4D, tensor4d } from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

describe('the ids of images', () => {
  beforeAll(async () => void (await openTestDevice()));
  guardLeaks();
  const idsOf = async (values: number[], shape: [number, number, number, number]) => {
    const pixels = tensor4d(values, shape);
    try {
      return await imageIds(pixels);
    } finally {
      pixels.dispose();
    }
  };

  it('are those of the pixels as they are saved, wherever an image stands in a batch', async () => {
    const [a, b] = [
      [0, 0.5, 1],
      [0, 0.5, 0.99],
    ] as const;
    const [first, second, again] = await idsOf([...a, ...b, ...a], [3, 1, 1, 3]);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect([second === first, again]).toEqual([false, first]);
    expect(await idsOf([0, 0.5001, 1.2], [1, 1, 1, 3])).toEqual([first]);
  });

  it('tell sizes apart', async () => {
    const values = new Array<number>(12).fill(0.5);
    const ids = [
      await idsOf(values, [1, 2, 2, 3]),
      await idsOf(values, [1, 1, 4, 3]),
      await idsOf(values, [1, 4, 1, 3]),
    ];
    expect(new Set(ids.flat()).size).toBe(3);
  });

  it('replace those of labels, and free pixels that cannot be read', async () => {
    const pixels = tensor4d([0, 0.5, 1], [1, 1, 1, 3]);
    const { labels } = await identify(pixels, [{ id: 'of before', seed: 3 }]);
    expect(labels).toEqual([{ id: (await imageIds(pixels))[0], seed: 3 }]);
    const broken = Object.assign(clone(pixels) as Tensor4D, { data: () => Promise.reject(new Error('lost')) });
    await expect(identify(broken, [{}])).rejects.toThrow('lost');
    expect(broken.isDisposed).toBe(true);
    pixels.dispose();
  });
});
