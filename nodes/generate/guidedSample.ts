import { defineNode, many, one } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { integer, number } from '../params.ts';
import { drawImages } from './shared/drawImages.ts';
import { remarkOnPrompt } from './shared/remarkOnPrompt.ts';
import { sampleParams, sampleSettings } from './shared/sampleParams.ts';

export const guidedSample = defineNode({
  type: 'generate/guided-sample',
  version: 1,
  title: 'Guided sample',
  summary:
    'Draws an image from each noise of a batch and keeps it to a condition image: in the last steps, the noisy latents are moved so that the image they become has a smaller consistency loss. A guided step costs one more call of the model and a gradient through it.',
  source: 'arXiv 2404.07987 (ControlNet++), equation 7, used at inference',
  inputs: {
    generator: one('generator'),
    noise: one('noise'),
    prompt: one('text'),
    consistency: one('consistency', { help: 'What is to be kept.' }),
    reference: one('images', { help: 'The condition image: one for all, or one for each image of the batch.' }),
    conditions: many('condition', { help: 'Images that steer the generator, see Control image.' }),
  },
  params: {
    ...sampleParams,
    consistencyScale: number({
      initial: 0.3,
      min: 0,
      max: 5,
      step: 0.05,
      help: 'How far latents are moved, in lengths of the noise that is left; 0.1 to 0.5 is usual.',
    }),
    maxTimestep: integer({
      initial: 200,
      min: 0,
      max: 1000,
      help: 'It acts at training timesteps up to this, where the image can be told; 1000 is always, for one-step models.',
    }),
  },
  outputs: { images: 'images' },
  async run({ generator, noise, prompt, consistency, reference, conditions }, params, { progress, remark }) {
    remarkOnPrompt(generator, prompt, [params.negativePrompt], remark);
    for (const [port, { name, differentiable }] of Object.entries({ generator, consistency }))
      if (!differentiable)
        throw new UserError(
          'NOT_DIFFERENTIABLE',
          `"${name}" gives no gradient, and guidance needs one: connect another, or search without gradients by FIND (optimise/find) with Consistency as reward (consistency/as-reward).`,
          {
            at: { port },
          },
        );
    const { negativePrompt, batch, consistencyScale: scale, maxTimestep } = params;
    const settings = sampleSettings(generator, params);
    const guidance = { consistency, image: reference.pixels, scale, maxTimestep };
    const request = { noise, prompts: [prompt], negativePrompt, settings, conditions, guidance };
    return { images: await drawImages(generator, request, batch, progress) };
  },
});
