import { expect, it } from 'vitest';
import { tileImages } from '../../../../nodes/ml/image/tileImages.ts';

const flat = (width: number, height: number, value: number) => ({
  width,
  height,
  rgb: new Uint8Array(width * height * 3).fill(value),
});

it('puts every image into its cell, enlarged, white elsewhere', () => {
  const { width, height, rgb } = tileImages([[flat(2, 1, 10), flat(1, 1, 20)], [flat(1, 1, 30)]], {
    gap: 1,
    enlarge: 2,
  });
  const red = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => rgb[(y * width + x) * 3]),
  );
  const w = 255;
  expect(red).toEqual([
    [w, w, w, w, w, w, w, w, w, w, w],
    [w, 10, 10, 10, 10, w, 20, 20, w, w, w],
    [w, 10, 10, 10, 10, w, 20, 20, w, w, w],
    [w, w, w, w, w, w, w, w, w, w, w],
    [w, 30, 30, w, w, w, w, w, w, w, w],
    [w, 30, 30, w, w, w, w, w, w, w, w],
    [w, w, w, w, w, w, w, w, w, w, w],
  ]);
});
