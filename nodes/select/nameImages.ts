import { defineNode, one } from '../defineNode.ts';
import { clone } from '../ml/tf.ts';
import { text } from '../params.ts';

export const nameImages = defineNode({
  type: 'select/name-images',
  version: 1,
  title: 'Name images',
  summary:
    'Gives images a name, such as the method that made them, by which a comparison or a file name tells them apart.',
  inputs: { images: one('images') },
  params: { name: text({ initial: '', help: 'The name of all images of the batch.' }) },
  outputs: { images: 'images' },
  run: ({ images }, { name }) => ({
    images: { pixels: clone(images.pixels), labels: images.labels.map((label) => ({ ...label, name })) },
  }),
});
