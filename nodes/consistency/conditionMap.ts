import { defineNode, one } from '../defineNode.ts';
import { identify } from '../ml/image/imageIds.ts';

export const conditionMap = defineNode({
  type: 'consistency/map',
  version: 1,
  title: 'Condition map',
  summary: 'Turns images into condition images: their edges, depth, classes ... for a ControlNet to keep to.',
  inputs: { images: one('images'), consistency: one('consistency', { help: 'What is looked for in the images.' }) },
  params: {},
  outputs: { images: 'images' },
  run: async ({ images: { pixels, labels }, consistency }) => ({
    images: await identify(consistency.map(pixels), labels),
  }),
});
