import { defineNode, many, one, output } from '../defineNode.ts';
import { drawPreview } from '../ml/image/drawPreview.ts';
import { drawBestOfSteps, stepFigures } from '../ml/optimise/bestOfSteps.ts';
import { spentColumns } from '../ml/optimise/lookTrace.ts';
import { judgedOutputs } from '../optimise/shared/steeredOutputs.ts';
import { integer, number } from '../params.ts';
import { remarkOnRewards } from '../reward/shared/remarkOnRewards.ts';
import { remarkOnPrompt } from './shared/remarkOnPrompt.ts';
import { sampleParams, sampleSettings } from './shared/sampleParams.ts';

export const bestOfK = defineNode({
  type: 'generate/best-of-k',
  version: 1,
  title: 'Best of k steps',
  summary:
    'Draws an image from each noise of a batch; in every step several next latents are drawn, and the one goes on whose estimate the rewards like best. The calls of the model are k times as many; one step decodes and scores k estimates of each image.',
  source: 'arXiv 2406.04314 (the sampler of SPO) and arXiv 2408.08252 (SVDD)',
  inputs: {
    generator: one('generator'),
    noise: one('noise'),
    prompt: one('text'),
    rewards: many('reward', {
      min: 1,
      help: 'The sum of all, each times its weight (see Weight), decides in each step.',
    }),
    watch: many('reward', { help: 'Score the final images, and decide nothing.' }),
    conditions: many('condition', { help: 'Images that steer the generator, see Control image.' }),
  },
  params: {
    k: integer({ initial: 4, min: 1, max: 64, help: 'Candidates for the next latents of each image; 1 only samples.' }),
    startStep: integer({
      initial: 4,
      min: 0,
      max: 1000,
      help: 'Steps that are taken as they come: their estimates are too blurred to be judged.',
    }),
    endStep: integer({
      initial: 0,
      min: 0,
      max: 1000,
      words: { last: 0 },
      help: 'The last step with candidates; last is that before the end, after which no noise comes.',
    }),
    temperature: number({
      initial: 0,
      min: 0,
      max: 1000,
      step: 0.1,
      help: 'How freely a candidate is drawn by its reward, in quarters of its usual range: 0 takes the best, large values any.',
    }),
    ...sampleParams,
    scheduler: {
      ...sampleParams.scheduler,
      initial: 'ddim',
      help: 'It must draw noise in its steps, or candidates are equal: ddim with eta above 0, ddpm, lcm, any that is called ancestral or sde.',
    },
    eta: { ...sampleParams.eta, initial: 1 },
    batch: {
      ...sampleParams.batch,
      initial: 8,
      help: 'Candidates drawn, decoded and scored at once; those of one image always are.',
    },
  },
  outputs: {
    images: output('images', { help: 'One from each noise, in their order.' }),
    scores: output('scores', { help: 'Their scores by the rewards and the watched ones.' }),
    trace: output('trace', {
      help: 'A table an image: total, number and rank of the candidate that was chosen in each step.',
    }),
  },
  async run(inputs, params, { progress, remark }) {
    const { generator, noise, prompt, rewards, watch: watched, conditions } = inputs;
    remarkOnPrompt(generator, prompt, [params.negativePrompt], remark);
    const settings = sampleSettings(generator, params);
    const request = { prompts: [prompt], negativePrompt: params.negativePrompt, settings, conditions };
    const source = { generator, request, rewards, watched };
    remarkOnRewards(source, remark);
    const endStep = params.endStep || settings.steps;
    if (params.k > 1 && Math.min(endStep, settings.steps - 1) <= params.startStep)
      remark(
        `Candidates are drawn after step ${params.startStep} up to step ${endStep}, and the run has ${settings.steps}: none are.`,
      );
    const count = noise.seeds.length;
    await progress(0);
    const drawn = await drawBestOfSteps(
      source,
      noise,
      { ...params, endStep },
      ({ step, steps, estimate }, done, images) =>
        progress(
          (done + (images * step) / steps) / count,
          `step ${step} of ${steps}`,
          step < steps ? () => drawPreview(generator, estimate) : undefined,
        ),
    );
    const { judged, rows, remarks } = drawn;
    try {
      const outputs = await judgedOutputs(judged, [...noise.seeds.keys()], noise.seeds, source);
      const columns = [
        { name: 'total', role: 'total' as const },
        ...[...stepFigures, ...spentColumns].map((name) => ({ name, role: 'measure' as const })),
      ];
      const kept = rows.map((table) => Math.max(0, table.length - 1));
      return { ...outputs, trace: { columns, values: rows, labels: outputs.images.labels, kept, remarks } };
    } finally {
      judged.pixels.dispose();
    }
  },
});
