import { defineNode, many, one } from '../defineNode.ts';
import { GraphError } from '../errors.ts';
import { remarkOnWords } from '../generate/remarkOnWords.ts';
import { sampleParams, sampleSettings } from '../generate/sampleParams.ts';
import { latentShapeOf, sizeParams } from '../generate/sizeParams.ts';
import { sampleImages } from '../ml/diffusion/sampleImages.ts';
import { previewOfPixels } from '../ml/image/previewOf.ts';
import { scoreImages } from '../ml/image/scoreImages.ts';
import { type Candidate, free, bestOfN as keepBest, totalOf } from '../ml/optimise/bestOfN.ts';
import { latentNoise } from '../ml/random.ts';
import { concat, slice, type Tensor4D } from '../ml/tf.ts';
import { integer, seed } from '../params.ts';
import type { PortType } from '../ports.ts';

export const bestOfN = defineNode({
  type: 'optimise/best-of-n',
  version: 1,
  title: 'Best of N',
  summary:
    'Draws pictures from many noises and keeps those that the rewards like best: the baseline of every optimiser.',
  source: 'arXiv 2406.04312, the best-of-N baseline',
  inputs: {
    generator: one('generator'),
    prompt: one('text'),
    rewards: many('reward', { min: 1, help: 'The sum of all decides.' }),
    conditions: many('condition', { help: 'Pictures that steer the generator, see Control image.' }),
  },
  params: {
    seed: seed({ initial: 0, help: 'Candidate i is drawn from seed + i.' }),
    candidates: integer({ initial: 16, min: 1, max: 10_000, help: 'N: how many noises are tried.' }),
    keep: integer({ initial: 1, min: 1, max: 256, help: 'How many of the best are kept; all, where there are fewer.' }),
    ...sizeParams,
    ...sampleParams,
  },
  outputs: {
    images: output('images', 'The best pictures, best first.'),
    noise: output('noise', 'What they were drawn from.'),
    scores: output('scores', 'Their scores.'),
    allScores: output('scores', 'The scores of all candidates, in the order they were drawn.'),
  },
  async run({ generator, prompt, rewards, conditions }, params, { progress, remark }) {
    remarkOnWords(generator, prompt, remark);
    const shape = latentShapeOf(generator, params);
    const settings = sampleSettings(generator, params);
    const prompts = [prompt];
    let done = 0;

    const draw = async (seeds: number[]): Promise<Candidate[]> => {
      const latents = latentNoise(seeds, shape);
      let pixels: Tensor4D | undefined;
      try {
        const request = {
          noise: { latents, seeds },
          prompts,
          negativePrompt: params.negativePrompt,
          settings,
          conditions,
        };
        const images = await sampleImages(generator, request, seeds.length, ({ step, steps }) =>
          progress((done + (seeds.length * step) / (steps + 1)) / params.candidates),
        );
        pixels = images.pixels;
        const scores = await scoreImages(
          rewards,
          pixels,
          seeds.map(() => prompt),
        );
        refuseNaN(scores, rewards, seeds);
        return seeds.map((seed, i) => ({
          seed,
          scores: scores[i]!,
          latents: row(latents, i),
          pixels: row(images.pixels, i),
        }));
      } finally {
        latents.dispose();
        pixels?.dispose();
      }
    };
    const report = (count: number, [first]: readonly Candidate[]) => {
      done = count;
      const text =
        first && `${count} of ${params.candidates}, best ${totalOf(first).toPrecision(4)} (seed ${first.seed})`;
      return progress(count / params.candidates, text, first && (() => previewOfPixels(first.pixels)));
    };

    await progress(0);
    const { best, scores } = await keepBest(params, draw, report);
    const labels = best.map(({ seed }) => ({ prompt, seed }));
    const names = rewards.map(({ name }) => name);
    try {
      return {
        images: {
          pixels: concat(
            best.map(({ pixels }) => pixels),
            0,
          ),
          labels,
        },
        noise: {
          latents: concat(
            best.map(({ latents }) => latents),
            0,
          ),
          seeds: best.map(({ seed }) => seed),
        },
        scores: { names, values: best.map(({ scores }) => scores), labels },
        allScores: {
          names,
          values: scores,
          labels: scores.map((_, i) => ({ prompt, seed: (params.seed + i) % 2 ** 53 })),
        },
      };
    } finally {
      best.forEach(free);
    }
  },
});

function output<Type extends PortType>(type: Type, help: string) {
  return { type, list: false, help } as const;
}

/** Candidate i of a batch, [1, ...]. */
function row(x: Tensor4D, i: number): Tensor4D {
  return slice(x, [i, 0, 0, 0], [1, -1, -1, -1]);
}

function refuseNaN(
  scores: readonly (readonly number[])[],
  rewards: readonly { readonly name: string }[],
  seeds: readonly number[],
): void {
  for (const [i, row] of scores.entries()) {
    const column = row.findIndex((score) => !Number.isFinite(score));
    if (column < 0) continue;
    const message = `The reward ${rewards[column]?.name} scored the picture of seed ${seeds[i]} as ${row[column]}, which is no finite number.`;
    throw new GraphError('NOT_FINITE', message);
  }
}
