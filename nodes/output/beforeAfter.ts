import { defineNode, one } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { encodePng } from '../ml/image/encodePng.ts';
import { rgbImages } from '../ml/image/rgbImages.ts';
import { tileImages } from '../ml/image/tileImages.ts';
import { fileName, integer } from '../params.ts';

export const beforeAfter = defineNode({
  type: 'output/before-after',
  version: 1,
  title: 'Before and after',
  summary: 'Writes each image beside what became of it into one PNG: a row for every pair.',
  inputs: {
    before: one('images'),
    after: one('images', { help: 'As many images, in the same order.' }),
  },
  params: {
    name: fileName({ initial: 'before-after', help: 'Name of the file, without ending.' }),
    enlarge: integer({ initial: 1, min: 1, max: 16, help: 'Every pixel becomes a square of this many pixels a side.' }),
  },
  outputs: {},
  async run({ before, after }, { name, enlarge }, { save }) {
    const [left, right] = [await rgbImages(before.pixels), await rgbImages(after.pixels)];
    if (left.length !== right.length) {
      const message = `There are ${left.length} images before and ${right.length} after; connect as many.`;
      throw new UserError('ROWS_DIFFER', message, { at: { port: 'after' } });
    }
    const rows = left.map((image, i) => [image, right[i]!]);
    const prompts = new Set(after.labels.flatMap(({ prompt }) => prompt ?? []));
    const bytes = encodePng(tileImages(rows, { gap: 4, enlarge }), { Prompt: [...prompts].join('\n') });
    save({ name: `${name}.png`, mime: 'image/png', bytes, label: {} });
  },
});
