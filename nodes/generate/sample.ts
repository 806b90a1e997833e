import { defineNode, many, one } from '../defineNode.ts';
import { sampleImages } from '../ml/diffusion/sampleImages.ts';
import { previewOf } from '../ml/image/previewOf.ts';
import { sampleParams, sampleSettings } from './sampleParams.ts';

export const sample = defineNode({
  type: 'generate/sample',
  version: 1,
  title: 'Sample',
  summary: 'Draws a picture from each noise of a batch, step by step, as the prompt asks.',
  inputs: {
    generator: one('generator'),
    noise: one('noise'),
    prompt: one('text'),
    conditions: many('condition', { help: 'Pictures that steer the generator, see Control image.' }),
  },
  params: sampleParams,
  outputs: { images: 'images' },
  async run({ generator, noise, prompt, conditions }, params, { progress }) {
    const settings = sampleSettings(generator, params);
    const request = { noise, prompts: [prompt], negativePrompt: params.negativePrompt, settings, conditions };
    const count = noise.seeds.length;
    await progress(0);
    const images = await sampleImages(generator, request, params.batch, ({ step, steps, estimate }, done, pictures) => {
      const text =
        count > pictures
          ? `step ${step} of ${steps}, pictures ${done + 1} to ${done + pictures} of ${count}`
          : `step ${step} of ${steps}`;
      const preview = step < steps ? () => previewOf(generator, estimate) : undefined;
      return progress((done + (pictures * step) / steps) / count, text, preview);
    });
    return { images };
  },
});
