import { defineNode, one, output } from '../defineNode.ts';
import { remarkOnPrompt } from '../generate/shared/remarkOnPrompt.ts';
import { sampleParams } from '../generate/shared/sampleParams.ts';
import { readLatentShape, sizeParams } from '../generate/shared/sizeParams.ts';
import { shrinkGrid } from '../ml/image/drawPreview.ts';
import { potentials } from '../ml/optimise/particles.ts';
import { steerParticles } from '../ml/optimise/steerParticles.ts';
import { choice, integer, number, seed } from '../params.ts';
import { remarkOnRewards } from '../reward/shared/remarkOnRewards.ts';
import { readCandidateSource, searchInputs } from './shared/searchImages.ts';
import { judgedOutputs, rankRows } from './shared/steeredOutputs.ts';

const { statistics: _, ...chosenInputs } = searchInputs; // of dpm-v3, which draws no noise

export const fkSteering = defineNode({
  type: 'optimise/fk-steering',
  version: 1,
  title: 'Steer (FK)',
  summary:
    'Draws several images side by side and looks at them on the way: those whose estimates the rewards like are copied, others give way, and copies part by the noise of the steps. It needs no gradient. One look decodes and scores all of them.',
  source: 'arXiv 2501.06848 (Feynman-Kac steering)',
  inputs: {
    ...chosenInputs,
    generator: one('generator', { help: 'Only drawn from, no gradient needed; two steps or more.' }),
    watch: { ...searchInputs.watch, help: 'Score the final images, and steer nothing.' },
  },
  params: {
    seed: seed({ initial: 0, help: 'Particle i begins as the image of seed + i.' }),
    particles: integer({
      initial: 8,
      min: 1,
      max: 256,
      help: 'N: how many images are drawn side by side, all in one batch.',
    }),
    keep: integer({ initial: 1, min: 1, max: 256, help: 'How many of the best are kept; all, where there are fewer.' }),
    potential: choice({
      initial: 'difference',
      options: potentials,
      aliases: { difference: ['diff'], sum: ['add'] },
      help: 'What weighs at a look: how much the reward rose, the largest so far, or the sum of all.',
    }),
    strength: number({
      initial: 4,
      min: 0,
      max: 1000,
      step: 1,
      help: 'Lambda: by how much a better reward weighs more, for a quarter of its usual range. 0 only samples; the authors take 10.',
    }),
    first: number({
      initial: 0.3,
      min: 0,
      max: 1,
      step: 0.05,
      help: 'Share of the steps before the first look; estimates are blurred before it.',
    }),
    last: number({
      initial: 0.9,
      min: 0,
      max: 1,
      step: 0.05,
      help: 'Share of the steps after which it looks no more.',
    }),
    every: integer({ initial: 4, min: 1, max: 100, unit: 'steps', help: 'From one look to the next.' }),
    ...sizeParams,
    ...sampleParams,
    scheduler: {
      ...sampleParams.scheduler,
      initial: 'ddim',
      help: 'It must draw noise in its steps, or copies stay equal: ddim with eta above 0, ddpm, lcm, any that is called ancestral or sde.',
    },
    eta: { ...sampleParams.eta, initial: 1 },
    batch: { ...sampleParams.batch, initial: 8, help: 'Images decoded and scored at once.' },
  },
  outputs: {
    images: output('images', { help: 'The best particles, best first.' }),
    scores: output('scores', {
      help: 'Their scores by the rewards and the watched ones, and their shares of the weight.',
    }),
    trace: output('trace', {
      help: 'Every look: means, the best, effective sample size, ancestors that are left, and what was spent.',
    }),
  },
  async run(inputs, params, { progress, remark }) {
    const { generator, prompt } = inputs;
    remarkOnPrompt(generator, prompt, [params.negativePrompt], remark);
    const shape = readLatentShape(generator, params);
    const source = readCandidateSource({ ...inputs, statistics: undefined }, params, shape, remark);
    remarkOnRewards(source, remark);
    await progress(0);
    const steered = await steerParticles(source, params, shape, ({ step, steps }, look) => {
      const text = look && `, effective sample size ${look.size.toPrecision(3)}, ${look.ancestors} ancestors`;
      const best = look && Math.max(...look.totals.filter(Number.isFinite));
      return progress(
        step / (steps + 1),
        `step ${step} of ${steps}${text ?? ''}`,
        look && (() => shrinkGrid(look.pixels)),
        look && { 'best total': best!, 'effective sample size': look.size, ancestors: look.ancestors },
      );
    });
    const { judged, shares, seeds, columns, rows, remarks } = steered;
    try {
      if (rows.length === 1)
        remark(
          `No step lies between ${params.first} and ${params.last} of the run with one to come: the images were drawn without steering. Set first and last further apart, or take more steps.`,
        );
      const kept = rankRows(judged).slice(0, params.keep);
      const trace = { columns, values: [rows], labels: [{ prompt }], kept: [rows.length - 1], remarks };
      await progress(1, undefined, () => shrinkGrid(judged.pixels));
      return { ...(await judgedOutputs(judged, kept, seeds, source, { share: shares })), trace };
    } finally {
      judged.pixels.dispose();
    }
  },
});
