import type { Generator, SampleRequest } from '../../ports.ts';
import { drawDifferentiable, type NoiseGradient } from '../diffusion/drawDifferentiable.ts';
import { labelImage } from '../diffusion/sampleImages.ts';
import { scoreImages } from '../image/scoreImages.ts';
import { wordsOf } from '../text/plainPrompt.ts';
import type { Tensor, Tensor4D } from '../tf.ts';
import type { Evaluate } from './evaluate.ts';
import type { RewardSet } from './rowState.ts';

/** What is maximised: the weighted rewards of N independent rows of a variable, each scored by the image that it gives. */
export interface Objective extends RewardSet {
  /** [N, ...] */
  readonly start: Tensor;
  /** Its scores are in the order of `rewards`. */
  readonly evaluate: Evaluate;
  /** Scores by the watched rewards, a row an image; borrows the images. */
  watch(pixels: Tensor4D): Promise<readonly (readonly number[])[]>;
  /** How sentences name each row, e.g. `The image of "a red circle", seed 3,`. */
  readonly names: readonly string[];
}

/** What an objective is made of: images as a generator draws them, and the rewards that score them. */
export interface ObjectiveParts extends RewardSet {
  readonly generator: Generator;
  /** N noises to start from, with one prompt for all or one each. */
  readonly request: SampleRequest;
}

/** The objective of noise: the images that are drawn from it, and their scores. It borrows the noise of the request. */
export function noiseObjective(parts: ObjectiveParts, gradient: NoiseGradient): Objective {
  const { generator, request } = parts;
  const { latents, ...rest } = request.noise;
  return drawnObjective(parts, latents, (x) =>
    drawDifferentiable(generator, { ...request, noise: { latents: x as Tensor4D, ...rest } }, gradient),
  );
}

/** The objective of any variable [N, ...] that starts at `start` and from which `draw` makes the images of a request. */
export function drawnObjective(
  { generator, request, rewards, watched }: ObjectiveParts,
  start: Tensor,
  draw: (x: Tensor) => Tensor4D,
): Objective {
  const { seeds } = request.noise;
  const labels = seeds.map((seed, i) => labelImage(generator, request, seed, i));
  const prompts = labels.map((label) => wordsOf(label));
  return {
    start,
    evaluate(x) {
      const pixels = draw(x);
      return { pixels, scores: rewards.map((reward) => reward.score(pixels, prompts)) };
    },
    rewards,
    watched,
    watch: (pixels) => scoreImages(watched, pixels, prompts),
    names: labels.map(({ prompt, seed }) => `The image of "${shorten(prompt!)}", seed ${seed},`),
  };
}

function shorten(prompt: string): string {
  return prompt.length > 60 ? `${prompt.slice(0, 57)}...` : prompt;
}
