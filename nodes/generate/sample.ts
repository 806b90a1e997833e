import { defineNode, many, one, optional } from '../defineNode.ts';
import { number } from '../params.ts';
import { drawImages } from './shared/drawImages.ts';
import { remarkOnPrompt } from './shared/remarkOnPrompt.ts';
import { sampleParams, sampleSettings } from './shared/sampleParams.ts';
import { readStatistics, statisticsInput } from './shared/statisticsInput.ts';

export const sample = defineNode({
  type: 'generate/sample',
  version: 1,
  title: 'Sample',
  summary: 'Draws an image from each noise of a batch, step by step, as the prompt asks.',
  inputs: {
    generator: one('generator'),
    noise: one('noise'),
    prompt: one('text'),
    expandedPrompt: optional('text', {
      help: 'The prompt with more words; both are then weighed against each other (Parrot, arXiv 2401.05675, equation 5).',
    }),
    conditions: many('condition', { help: 'Images that steer the generator, see Control image.' }),
    statistics: statisticsInput,
  },
  params: {
    ...sampleParams,
    originalWeight: number({
      initial: 5,
      min: 0,
      max: 50,
      step: 0.5,
      help: 'Beside an expanded prompt: weight of the prompt, in place of the guidance scale.',
    }),
    expandedWeight: number({
      initial: 5,
      min: 0,
      max: 50,
      step: 0.5,
      help: 'Weight of the expanded prompt. For models without guidance (Turbo), let both sum to 1.',
    }),
  },
  outputs: { images: 'images' },
  async run({ generator, noise, prompt, expandedPrompt, conditions, ...given }, params, { progress, remark }) {
    remarkOnPrompt(generator, prompt, [params.negativePrompt, expandedPrompt ?? ''], remark);
    const { negativePrompt, originalWeight, expandedWeight, batch } = params;
    const settings = sampleSettings(generator, params);
    const statistics = readStatistics(given.statistics, settings, noise.latents.shape.slice(1), remark);
    const request = { noise, prompts: [prompt], negativePrompt, settings, conditions, ...statistics };
    const expanded = expandedPrompt !== undefined && {
      expanded: { prompt: expandedPrompt, originalWeight, expandedWeight },
    };
    return { images: await drawImages(generator, { ...request, ...expanded }, batch, progress) };
  },
});
