import { defineNode, one } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { clone, mean, type Tensor4D } from '../ml/tf.ts';

export const controlMap = defineNode({
  type: 'input/control-map',
  version: 1,
  title: 'Control map',
  summary: 'Where in the image a condition counts: white is its scale, black nothing. No training is needed.',
  source: 'after SmartControl, arXiv 2404.06451, with a painted map in place of its networks',
  inputs: {
    condition: one('condition'),
    map: one('images', {
      help: 'Of any size: one for all, or one for each image of the batch; its colours are averaged to grey.',
    }),
  },
  params: {},
  outputs: { condition: 'condition' },
  run({ condition, map }) {
    const [maps, images] = [map.pixels.shape[0], condition.image.shape[0]];
    if (maps !== 1 && images !== 1 && maps !== images)
      throw new UserError(
        'ROWS_DIFFER',
        `There are ${maps} maps for ${images} control images; give one, or one for each.`,
        {
          at: { port: 'map' },
        },
      );
    const grey: Tensor4D = mean(map.pixels, 3, true);
    return { condition: { ...condition, image: clone(condition.image), map: grey } };
  },
});
