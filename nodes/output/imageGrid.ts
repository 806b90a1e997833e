import { defineNode, many } from '../defineNode.ts';
import { encodePng, toBytes } from '../ml/image/encodePng.ts';
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
    const tiles = await Promise.all(
      images.map(async ({ pixels }) => {
        const [count, h, w] = pixels.shape;
        const bytes = toBytes((await pixels.data()) as Float32Array);
        return Array.from({ length: count }, (_, i) => ({
          width: w,
          height: h,
          rgb: bytes.subarray(i * h * w * 3, (i + 1) * h * w * 3),
        }));
      }),
    );
    const prompts = images.flatMap(({ labels }) => labels[0]?.prompt ?? []);
    save({
      name: `${name}.png`,
      mime: 'image/png',
      bytes: encodePng(tileImages(tiles, { gap, enlarge }), { Prompt: prompts.join('\n') }),
      label: {},
    });
  },
});
