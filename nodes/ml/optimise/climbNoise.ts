import type { Generator, SampleRequest } from '../../ports.ts';
import { drawImages, type NoiseGradient } from '../diffusion/drawImages.ts';
import { partOfRequest } from '../diffusion/sampleImages.ts';
import { scoreImages } from '../image/scoreImages.ts';
import { dispose, mul, type Tensor, type Tensor1D, type Tensor4D, tidy } from '../tf.ts';
import type { Slope } from './climb.ts';
import { type BatchSettings, type BatchSlope, type ClimbProgress, climbBatches } from './climbBatches.ts';
import type { Climbed, Judges } from './climber.ts';
import { evaluate } from './evaluate.ts';
import { noiseNorm, toNoiseRadius } from './noiseNorm.ts';
import { peakBytes } from './peakBytes.ts';
import { weightsOf } from './weightedTotal.ts';

export interface NoiseClimb extends Judges {
  /** The model that is looked through. */
  readonly generator: Generator;
  /** N noises to start from, with one prompt for all or one each. */
  readonly request: SampleRequest;
}

/** ReNO's are 50 evaluations, which is 49 steps of SGD. */
export interface NoiseClimbSettings extends BatchSettings {
  /** lambda_reg, the weight of the noise's length; ReNO's is 0.01. */
  readonly regularisation: number;
  /** Brings the noise back to the length sqrt(d) after each step. */
  readonly projectRadius: boolean;
  readonly gradient: NoiseGradient;
}

/**
 * Reward-based noise optimisation: climbs sum_i w_i r_i(G(e, prompt), prompt) + lambda_reg K(e) from each noise e on its
 * own, through a frozen generator G, and keeps the best by sum_i w_i r_i alone. A stochastic sampler draws its noise from
 * the same seed at every evaluation. Else as `climbBatches`.
 * Source: arXiv 2406.04312, section 3; its code's training/trainer.py.
 */
export function climbNoise(
  slope: NoiseClimb,
  settings: NoiseClimbSettings,
  report: (progress: ClimbProgress) => Promise<void>,
): Promise<Climbed[]> {
  const { regularisation, projectRadius, gradient } = settings;
  const slopeOf = (request: SampleRequest): BatchSlope => ({
    ...noiseSlope({ ...slope, request }, gradient),
    ...(regularisation > 0 && { penalty: weighted(regularisation, noiseNorm) }),
    ...(projectRadius && { project: toNoiseRadius }),
  });
  return climbBatches(slope.request, slopeOf, settings, report);
}

/** Noise as a slope: what is drawn from it, what that is worth. */
export function noiseSlope(climb: NoiseClimb, gradient: NoiseGradient): Slope {
  const { generator, request } = climb;
  const { latents, seeds } = request.noise;
  return drawnSlope(climb, latents, (x) =>
    drawImages(generator, { ...request, noise: { latents: x as Tensor4D, seeds } }, gradient),
  );
}

/** A slope of the images of a request, which `draw` makes from what climbs. */
export function drawnSlope(
  { request, rewards, watched }: Omit<NoiseClimb, 'generator'>,
  start: Tensor,
  draw: (x: Tensor) => Tensor4D,
): Slope {
  const { seeds } = request.noise;
  const prompts = seeds.map((_, i) => request.prompts[request.prompts.length === 1 ? 0 : i]!);
  return {
    start,
    look(x) {
      const pixels = draw(x);
      return { pixels, scores: rewards.map((reward) => reward.score(pixels, prompts)) };
    },
    rewards,
    watched,
    watch: (pixels) => scoreImages(watched, pixels, prompts),
    names: seeds.map((seed, i) => `The image of "${shortened(prompts[i]!)}", seed ${seed},`),
  };
}

function shortened(prompt: string): string {
  return prompt.length > 60 ? `${prompt.slice(0, 57)}...` : prompt;
}

type Penalty = NonNullable<BatchSlope['penalty']>;

/** A penalty times a weight. */
export function weighted(weight: number, penaltyOf: Penalty): Penalty {
  return (x) =>
    tidy(() => {
      const { penalty, gradient } = penaltyOf(x);
      return { penalty: mul<Tensor1D>(penalty, weight), gradient: mul<Tensor>(gradient, weight) };
    });
}

/** Bytes that one image of a climb takes at the most, found by one evaluation of the first image. */
export async function bytesOfImage(slope: NoiseClimb, gradient: NoiseGradient): Promise<number> {
  const part = partOfRequest(slope.request, 0, 1);
  try {
    const { look } = noiseSlope({ ...slope, request: part.request }, gradient);
    return await peakBytes(() => {
      const seen = evaluate(part.request.noise.latents, look, weightsOf(slope.rewards));
      dispose([seen.pixels, ...seen.scores, seen.gradient]);
    });
  } finally {
    dispose(part.tensors);
  }
}
