import { defineNode, many } from '../defineNode.ts';
import { encodePng } from '../ml/image/encodePng.ts';
import { rgbImages } from '../ml/image/rgbImages.ts';
import { tileImages } from '../ml/image/tileImages.ts';
import { fileName, integer } from '../params.ts';

export const imageGrid = defineNode({
  type: 'output/image-grid',
  version: 1,
  title: 'Image grid',
  summary: 'Writes all images into one PNG, a row for each batch: prompts down, seeds across.',
  inputs: { images: many('images', { min: 1 }) },
  params: {
    name: fileName({ initial: 'grid', help: 'Name of the file.' }),
    gap: integer({ initial: 2, min: 0, max: 64, unit: 'pixels', help: 'White space between images.' }),
    enlarge: integer({ initial: 1, min: 1, max: 16, help: 'Every pixel becomes a square of this many pixels a side.' }),
  },
  outputs: {},
  async run({ images }, { name, gap, enlarge }, { save }) {
    const tiles = await Promise.all(images.map(({ pixels }) => rgbImages(pixels)));
    const prompts = images.flatMap(({ labels }) => labels[0]?.prompt ?? []);
    save({
      name: `${name}.png`,
      mime: 'image/png',
      bytes: encodePng(tileImages(tiles, { gap, enlarge }), { Prompt: prompts.join('\n') }),
      label: {},
    });
  },
});
