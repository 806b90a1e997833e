import { defineNode, many, one, output } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { remarkOnPrompt } from '../generate/shared/remarkOnPrompt.ts';
import { sampleParams } from '../generate/shared/sampleParams.ts';
import { readLatentShape, sizeParams } from '../generate/shared/sizeParams.ts';
import { statisticsInput } from '../generate/shared/statisticsInput.ts';
import { labelImage } from '../ml/diffusion/sampleImages.ts';
import { shrinkImage } from '../ml/image/drawPreview.ts';
import { bestOfN as tryMany } from '../ml/optimise/bestOfN.ts';
import {
  type Candidate,
  type CandidateSource,
  disposeCandidate,
  drawCandidates,
  findBrokenScore,
} from '../ml/optimise/drawCandidates.ts';
import { latentNoise } from '../ml/random.ts';
import { integer, seed } from '../params.ts';
import { remarkOnRewards } from '../reward/shared/remarkOnRewards.ts';
import { candidateOutputs, listRewardNames } from './shared/candidateOutputs.ts';
import { readCandidateSource } from './shared/searchImages.ts';

export const bestOfN = defineNode({
  type: 'optimise/best-of-n',
  version: 1,
  title: 'Best of N',
  summary: 'Draws images from many noises and keeps those that the rewards like best: the baseline of every optimiser.',
  source: 'arXiv 2406.04312, the best-of-N baseline',
  inputs: {
    generator: one('generator'),
    prompt: one('text'),
    rewards: many('reward', { min: 1, help: 'The sum of all, each times its weight (see Weight), decides.' }),
    watch: many('reward', { help: 'Scored but never used to choose.' }),
    conditions: many('condition', { help: 'Images that steer the generator, see Control image.' }),
    statistics: statisticsInput,
  },
  params: {
    seed: seed({ initial: 0, help: 'Candidate i is drawn from seed + i.' }),
    candidates: integer({ initial: 16, min: 1, max: 10_000, help: 'N: how many noises are tried.' }),
    keep: integer({ initial: 1, min: 1, max: 256, help: 'How many of the best are kept; all, where there are fewer.' }),
    ...sizeParams,
    ...sampleParams,
  },
  outputs: {
    images: output('images', { help: 'The best images, best first.' }),
    noise: output('noise', { help: 'What they were drawn from.' }),
    scores: output('scores', { help: 'Their scores.' }),
    allScores: output('scores', { help: 'The scores of all candidates, in the order they were drawn.' }),
  },
  async run(inputs, params, { progress, remark }) {
    const { generator, prompt } = inputs;
    remarkOnPrompt(generator, prompt, [params.negativePrompt], remark);
    const shape = readLatentShape(generator, params);
    const source = readCandidateSource(inputs, params, shape, remark);
    remarkOnRewards(source, remark);
    let done = 0;

    const draw = async (seeds: number[]): Promise<Candidate[]> => {
      const latents = latentNoise(seeds, shape);
      try {
        const drawn = await drawCandidates(source, { latents, seeds }, ({ step, steps }) =>
          progress((done + (seeds.length * step) / (steps + 1)) / params.candidates),
        );
        refuseNaN(drawn, source);
        return drawn;
      } finally {
        latents.dispose();
      }
    };
    const report = (count: number, [first]: readonly Candidate[]) => {
      done = count;
      const text = first && `${count} of ${params.candidates}, best ${first.total.toPrecision(4)} (seed ${first.seed})`;
      return progress(count / params.candidates, text, first && (() => shrinkImage(first.pixels)));
    };

    await progress(0);
    const { best, scores, ids } = await tryMany(params, draw, report);
    const labels = ids.map((id, i) => ({
      ...labelImage(generator, source.request, (params.seed + i) % 2 ** 53, 0),
      id,
    }));
    try {
      return {
        ...candidateOutputs(best, source),
        allScores: { names: listRewardNames(source), values: scores, labels },
      };
    } finally {
      best.forEach(disposeCandidate);
    }
  },
});

function refuseNaN(drawn: readonly Candidate[], source: CandidateSource): void {
  for (const candidate of drawn) {
    const broken = findBrokenScore(candidate, source);
    if (!broken) continue;
    drawn.forEach(disposeCandidate);
    const message = `The reward ${broken.name} scored the image of seed ${candidate.seed} as ${broken.score}, which is no finite number.`;
    throw new UserError('NOT_FINITE', message);
  }
}
