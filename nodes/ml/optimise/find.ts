import { randomStream } from '../random.ts';
import { type AdamWState, adamWStep, startAdamW } from '../train/adamW.ts';
import { runningCalibration, valueCalibration } from './calibration.ts';
import { filterSamples, type SampleFilter } from './filterSamples.ts';
import {
  addLogProbGradient,
  addPriorGradient,
  fromPolicy,
  type GaussianPolicy,
  keepSpread,
  meanLogProb,
  measurePolicy,
  standardPolicy,
} from './gaussianPolicy.ts';
import type { NoiseSearch } from './noiseSearch.ts';

export interface FindSettings {
  /** Sample i of iteration k has the seed `seed + k samples + i`. */
  readonly seed: number;
  /** M; the code's is 150 to 300. */
  readonly iterations: number;
  /** B, images an iteration; the code's is 1. */
  readonly samples: number;
  /** Which of them the policy learns from. */
  readonly filter: SampleFilter;
  /** The code's is 1e-3. */
  readonly learningRate: number;
  /** c, how far a ratio may lie from 1 before its gradient is cut; the code's is 0.2. */
  readonly clip: number;
  /** How many samples of the past are used again. */
  readonly reuse: number;
  /** lambda, the weight of the distance to N(0, 1); the code's is 0.01. */
  readonly prior: number;
  readonly calibration: 'value network' | 'running mean';
}

/** A sample and its reward. */
interface Experience {
  readonly noise: Float32Array;
  readonly advantage: number;
  /** Of the policy that drew it. */
  readonly logProb: number;
}

/** Multiplies the advantages, as in the code. */
const ADVANTAGE_WEIGHT = 10;

/** A policy at N(0, 1) with the moments of its optimiser, for `find` to change in place. */
export function startPolicy(d: number): AdamWState {
  return startAdamW(standardPolicy(d));
}

/**
 * Fine-tunes the distribution of initial noise for one prompt: noise is the action of a one-step decision process whose
 * environment, the whole sampler with its rewards, is a black box. Changes `policy` in place at each iteration.
 * Source: FIND, arXiv 2407.19453; github vpx-ecnu/FIND, dist_train2.py.
 *
 * | here       | there | shape |                                                                        |
 * |------------|-------|-------|------------------------------------------------------------------------|
 * | mu, s      | mean, std | d each | policy.parameters, s >= 1e-4                                      |
 * | z          | noise | d     | mu + s n, n = normal(seed)                                             |
 * | A          | advantage |   | reward minus what was expected, see `calibration.ts`                   |
 * | rho        | ratio |       | exp(mean ln p(z; mu, s) - the same when z was drawn)                   |
 * | loss       |       |       | -10 mean min(rho A, clip(rho, 1 - c, 1 + c) A) + lambda mean(mu^2 + (s - 1)^2) |
 *
 * Differences from the released code, which does not do what the paper says:
 * 1. rho compares with the policy that drew the sample; the code's old policy is N(0, 1) for ever.
 * 2. A sample learns from its own reward; the code pairs the newest noise with the oldest reward of its buffer.
 * 3. PPO's minimum, not a hard clamp, which has no gradient at all outside the band, even for what ought to be undone.
 * 4. The value network learns from the last 8 iterations at the (mu, s) that drew them; the code repeats one transition 256
 *    times, and its index fails on today's PyTorch.
 * 5. The value network does not see the prompt: with one prompt that is a constant, which a bias holds as well.
 * 6. Several samples an iteration, chosen by a PF-PPO filter, and `reuse` of the past; the code has one, and 1000 kept.
 * 7. A running mean as another calibration; all in float32; rewards are not cut off at 0.
 * 8. What the code reads but does not use (clip_norm, p_step) is not here.
 */
export function* find(policy: AdamWState, settings: FindSettings, normal: (seed: number) => Float32Array): NoiseSearch {
  const { seed, iterations, samples, filter, reuse, learningRate } = settings;
  const random = randomStream(seed);
  const { parameters } = policy;
  const calibrate =
    settings.calibration === 'running mean' ? runningCalibration() : valueCalibration(parameters.length, seed);
  const adam = { learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
  let history: Experience[] = [];
  for (let k = 0; k < iterations; k++) {
    const seeds = Array.from({ length: samples }, (_, i) => (seed + k * samples + i) % 2 ** 53);
    const queries = seeds.map((each) => ({ noise: fromPolicy(parameters, normal(each)), seed: each }));
    const rewards = yield { queries, measures: { ...measurePolicy(parameters) } };
    const advantages = calibrate(parameters, rewards);
    const taught = filterSamples(rewards, filter, random).map((i) => {
      const { noise } = queries[i]!;
      return { noise, advantage: advantages[i]!, logProb: meanLogProb(parameters, noise) };
    });
    const gradient = policyGradient(parameters, [...taught, ...history], settings);
    adamWStep(policy, gradient, { ...adam, clipNorm: Number.POSITIVE_INFINITY, averageDecay: 0 });
    keepSpread(parameters);
    history = [...taught, ...history].slice(0, reuse);
  }
}

/** The gradient of `find`'s loss with respect to (mu, s), [2 d]. */
export function policyGradient(
  policy: GaussianPolicy,
  experiences: readonly Experience[],
  { clip, prior }: Pick<FindSettings, 'clip' | 'prior'>,
): Float32Array {
  const gradient = new Float32Array(policy.length);
  for (const { noise, advantage, logProb } of experiences) {
    const ratio = Math.exp(meanLogProb(policy, noise) - logProb);
    const isClipped = advantage > 0 ? ratio > 1 + clip : ratio < 1 - clip; // where the minimum is the constant one
    if (isClipped) continue;
    addLogProbGradient(gradient, policy, noise, (-ADVANTAGE_WEIGHT * advantage * ratio) / experiences.length);
  }
  addPriorGradient(gradient, policy, prior);
  return gradient;
}
