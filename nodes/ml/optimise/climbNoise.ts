import type { Generator, SampleRequest } from '../../ports.ts';
import { drawPictures, type NoiseGradient } from '../diffusion/drawPictures.ts';
import { partOfRequest } from '../diffusion/sampleImages.ts';
import { scoreImages } from '../image/scoreImages.ts';
import { dispose, mul, type Tensor, type Tensor1D, type Tensor4D, tidy } from '../tf.ts';
import { climb, type Slope } from './climb.ts';
import { type Climbed, forget, type Judges, type WatchSettings } from './climber.ts';
import { evaluate } from './evaluate.ts';
import { noiseNorm, toNoiseRadius } from './noiseNorm.ts';
import { peakBytes } from './peakBytes.ts';
import type { Route } from './route.ts';
import { weightsOf } from './weightedTotal.ts';

export interface NoiseClimb extends Judges {
  /** The model that is looked through. */
  readonly generator: Generator;
  /** N noises to start from, with one prompt for all or one each. */
  readonly request: SampleRequest;
}

/** How far a climb is. */
export interface NoiseClimbProgress {
  /** In [0, 1], over all pictures. */
  readonly fraction: number;
  /** The evaluation just done, from 1. */
  readonly evaluation: number;
  /** Pictures [start, start + rows.length) climb now. */
  readonly start: number;
  readonly rows: readonly Climbed[];
  /** Pictures that climbed before. */
  readonly done: readonly Climbed[];
}

export interface NoiseClimbSettings {
  /** How often each picture is drawn; ReNO's is 50, which is 49 steps. */
  readonly evaluations: number;
  /** How many pictures climb at once. */
  readonly batch: number;
  /** A fresh optimiser. */
  route(): Route;
  /** lambda_reg, the weight of the noise's length; ReNO's is 0.01. */
  readonly regularisation: number;
  /** Brings the noise back to the length sqrt(d) after each step. */
  readonly projectRadius: boolean;
  readonly gradient: NoiseGradient;
  readonly watch: WatchSettings;
}

/**
 * Reward-based noise optimisation: climbs sum_i w_i r_i(G(e, prompt), prompt) + lambda_reg K(e) from each noise e on its
 * own, through a frozen generator G, and keeps the best by sum_i w_i r_i alone. A stochastic sampler draws its noise from
 * the same seed at every evaluation. `report` is awaited after each evaluation, and borrows what it is given; where it
 * rejects, every tensor is freed. The caller owns the moments of the result.
 * Source: arXiv 2406.04312, section 3; its code's training/trainer.py. Throws what `climb` throws.
 */
export async function climbNoise(
  slope: NoiseClimb,
  settings: NoiseClimbSettings,
  report: (progress: NoiseClimbProgress) => Promise<void>,
): Promise<Climbed[]> {
  const { evaluations, batch, regularisation, projectRadius, watch } = settings;
  const count = slope.request.noise.seeds.length;
  const climbed: Climbed[] = [];
  try {
    for (let start = 0; start < count; start += batch) {
      const size = Math.min(batch, count - start);
      const part = partOfRequest(slope.request, start, size);
      const route = settings.route();
      try {
        const climbing = {
          evaluations,
          route,
          watch,
          ...(regularisation > 0 && { penalty: weighted(regularisation) }),
          ...(projectRadius && { project: toNoiseRadius }),
        };
        const now = noiseSlope({ ...slope, request: part.request }, settings.gradient);
        const rows = await climb(now, climbing, (evaluation, rows) => {
          const fraction = (start + (size * evaluation) / evaluations) / count;
          return report({ fraction, evaluation, start, rows, done: climbed });
        });
        climbed.push(...rows);
      } finally {
        route.dispose();
        dispose(part.tensors);
      }
    }
    return climbed;
  } catch (error) {
    for (const { first, best } of climbed) for (const moment of [first, best]) forget(moment);
    throw error;
  }
}

/** Noise as a slope: what is drawn from it, what that is worth. */
export function noiseSlope({ generator, request, rewards, watched }: NoiseClimb, gradient: NoiseGradient): Slope {
  const { latents, seeds } = request.noise;
  const prompts = seeds.map((_, i) => request.prompts[request.prompts.length === 1 ? 0 : i]!);
  return {
    start: latents,
    look(x) {
      const drawn = { ...request, noise: { latents: x as Tensor4D, seeds } };
      const pixels = drawPictures(generator, drawn, gradient);
      return { pixels, scores: rewards.map((reward) => reward.score(pixels, prompts)) };
    },
    rewards,
    watched,
    watch: (pixels) => scoreImages(watched, pixels, prompts),
    names: seeds.map((seed, i) => `The picture of "${shortened(prompts[i]!)}", seed ${seed},`),
  };
}

function shortened(prompt: string): string {
  return prompt.length > 60 ? `${prompt.slice(0, 57)}...` : prompt;
}

function weighted(weight: number) {
  return (x: Tensor) =>
    tidy(() => {
      const { penalty, gradient } = noiseNorm(x);
      return { penalty: mul<Tensor1D>(penalty, weight), gradient: mul<Tensor>(gradient, weight) };
    });
}

/** Bytes that one picture of a climb takes at the most, found by one evaluation of the first picture. */
export async function bytesOfPicture(slope: NoiseClimb, gradient: NoiseGradient): Promise<number> {
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
