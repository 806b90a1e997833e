import { expect, it } from 'vitest';
import { listImages } from '../../../renderer/runs/listImages.ts';

it('lists what a run saved, then what its nodes only showed, each image once', () => {
  const copy = { node: 'n', output: 'images', count: 3, mime: 'image/png' };
  const saved = { node: 's', mime: 'image/png', size: 1, sha256: '' };
  const found = listImages({
    folder: 'f',
    outputs: [
      { ...saved, name: 'a.png', label: { id: '1', prompt: 'p', seed: 4 } },
      { ...saved, name: 't.csv', mime: 'text/csv' },
    ],
    copies: [
      { ...copy, name: 'copies/1.png', label: { id: '1' } },
      { ...copy, name: 'copies/2.png', label: { id: '2' } },
      { ...copy, name: 'copies/2.png', label: { id: '2' }, node: 'm' },
      { ...copy, name: 'copies/x.png' },
    ],
  });
  expect(found.map(({ name, folder, caption }) => [name, folder, caption])).toEqual([
    ['a.png', 'f', 'seed 4 · p'],
    ['copies/2.png', 'f', 'n: images'],
    ['copies/x.png', 'f', 'n: images'],
  ]);
});
