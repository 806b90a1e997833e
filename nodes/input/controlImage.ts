import { defineNode, one } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { clone } from '../ml/tf.ts';
import { number } from '../params.ts';

export const controlImage = defineNode({
  type: 'input/control-image',
  version: 1,
  title: 'Control image',
  summary: 'Steers a generator with an image (edges, depth, pose ...) through a ControlNet.',
  source: 'arXiv 2302.05543',
  inputs: {
    controlnet: one('controlnet'),
    images: one('images', { help: 'One image for all, or one for each image of the batch.' }),
  },
  params: {
    scale: number({
      initial: 1,
      min: 0,
      max: 4,
      step: 0.05,
      help: 'How strongly it steers; 1 is the strength of training.',
    }),
    start: number({ initial: 0, min: 0, max: 1, step: 0.05, help: 'Fraction of the steps after which it begins.' }),
    end: number({ initial: 1, min: 0, max: 1, step: 0.05, help: 'Fraction of the steps after which it ends.' }),
  },
  outputs: { condition: 'condition' },
  run({ controlnet, images }, { scale, start, end }) {
    if (start >= end) {
      throw new UserError(
        'BAD_PARAM',
        `The ControlNet would end (${end}) before it starts (${start}); set end above start.`,
        {
          at: { param: 'end' },
        },
      );
    }
    return { condition: { controlnet, image: clone(images.pixels), scale, start, end } };
  },
});
