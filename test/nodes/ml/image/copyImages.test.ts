import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import { copyImages } from '../../../../nodes/ml/image/copyImages.ts';
import { identify } from '../../../../nodes/ml/image/imageIds.ts';
import * as tf from '../../../../nodes/ml/tf.ts';
import { guardLeaks, openTestDevice } from '../../../support/devices.ts';

beforeAll(async () => {
  await openTestDevice();
});
guardLeaks();

/** A batch [count, height, width, 3] whose image i is all of the grey i / 100. */
function greys(count: number, height: number, width: number): tf.Tensor4D {
  return tf.tidy(() => tf.tile(tf.reshape(tf.div(tf.range(0, count), 100), [count, 1, 1, 1]), [1, height, width, 3]));
}

describe('copyImages', () => {
  it('copies small images pixel by pixel, and names each by what it shows', async () => {
    const images = await identify(greys(3, 2, 4), [{ seed: 7, prompt: 'p' }, {}, {}]);
    const { copies, count } = await copyImages('images', [images]);
    images.pixels.dispose();
    expect(count).toBe(3);
    expect(copies.map(({ name }) => name)).toEqual(images.labels.map(({ id }) => `copies/${id}.png`));
    expect(copies[0]?.label).toMatchObject({ seed: 7, prompt: 'p' });
    const { width, height, data } = decode(copies[2]!.bytes);
    expect([width, height]).toEqual([4, 2]);
    expect(new Set(data)).toEqual(new Set([Math.round(0.02 * 255)]));
  });

  it('shrinks large ones to 256 pixels and keeps their shape, of a condition as well', async () => {
    const image = greys(2, 300, 600);
    const { copies, count } = await copyImages('condition', [{ image }]);
    image.dispose();
    expect(count).toBe(2);
    for (const { bytes, name } of copies) {
      const { width, height } = decode(bytes);
      expect([width, height]).toEqual([256, 128]);
      expect(name).toMatch(/^copies\/[\da-f]{32}\.png$/);
    }
    expect(new Set(copies.map(({ name }) => name)).size).toBe(2);
  });

  it('takes the first 64, or as many as make the pixels of 16 large copies, and counts all', async () => {
    const small = [greys(40, 8, 8), greys(40, 8, 8)];
    const many = await copyImages('images', await Promise.all(small.map((pixels) => identify(pixels, labels(40)))));
    expect([many.copies.length, many.count]).toEqual([64, 80]);
    const large = greys(20, 256, 256);
    const few = await copyImages('images', [{ pixels: large, labels: labels(20) }]);
    expect([few.copies.length, few.count]).toEqual([16, 20]);
    for (const pixels of [...small, large]) pixels.dispose();
  });

  it('finds nothing to copy in other values', async () => {
    expect(await copyImages('text', ['a'])).toEqual({ copies: [], count: 0 });
  });
});

function labels(count: number) {
  return Array.from({ length: count }, () => ({}));
}
