import { defineNode, many } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import {
  type Calibration,
  meanScore,
  standardised,
  uncertaintyWeighted,
  weightedSum,
  worstCase,
} from '../ml/rewards/combineRewards.ts';
import { stack, type Tensor2D, tidy } from '../ml/tf.ts';
import { choice, number, text } from '../params.ts';
import type { Reward } from '../ports.ts';

const ways = ['weighted sum', 'mean', 'worst case', 'uncertainty-weighted'] as const;
type Way = (typeof ways)[number];

export const combine = defineNode({
  type: 'reward/combine',
  version: 1,
  title: 'Combine rewards',
  summary:
    'One reward of several: the weighted sum that ReNO maximises, or, against over-optimisation of a single one, the mean, the worst case (WCO), or the mean less the variance between them (UWO).',
  source: 'arXiv 2406.04312; ensembles arXiv 2310.02743',
  inputs: { rewards: many('reward', { min: 1, help: 'Weights and calibrations follow the order of these wires.' }) },
  params: {
    way: choice({ initial: 'weighted sum', options: ways, help: 'How one score is made of several.' }),
    weights: text({
      initial: '',
      help: 'For the weighted sum: a number a reward, e.g. "5, 1, 0.01, 0.05", ReNO\'s of HPSv2, ImageReward, CLIP and PickScore. Empty: the weight that each reward brings, else 1.',
    }),
    lambda: number({
      initial: 0.5,
      min: 0,
      max: 100,
      step: 0.1,
      help: 'For the uncertainty-weighted one: how much the variance counts. 0.5 for choosing, 0.1 for optimising.',
    }),
    calibration: text({
      initial: '',
      help: 'Mean and standard deviation of each reward\'s usual scores, e.g. "0.27 0.03, 0 1": scores are standardised by them. Empty: scores as they are.',
    }),
  },
  outputs: { reward: 'reward' },
  run({ rewards }, { way, weights, lambda, calibration }) {
    const factors =
      weights.trim() === '' ? rewards.map(({ weight }) => weight ?? 1) : readWeights(weights, rewards.length);
    const calibrations = calibration.trim() === '' ? undefined : readCalibrations(calibration, rewards.length);
    const combined: Readonly<Record<Way, (scores: Tensor2D) => ReturnType<typeof meanScore>>> = {
      'weighted sum': (scores) => weightedSum(scores, factors),
      mean: meanScore,
      'worst case': worstCase,
      'uncertainty-weighted': (scores) => uncertaintyWeighted(scores, lambda),
    };
    const combineScores = (scores: Tensor2D) =>
      combined[way](calibrations ? standardised(scores, calibrations) : scores);
    const reward: Reward = {
      name: `${way} of ${rewards.map(({ name }) => name).join(', ')}`,
      bytes: 0,
      uses: rewards,
      differentiable: rewards.every(({ differentiable }) => differentiable),
      unreadPart: (prompt) => unreadByAny(rewards, prompt),
      usualRange: combineRanges(rewards, way, factors, calibrations),
      score: (pixels, prompts) =>
        tidy(() => combineScores(stack(rewards.map((each) => each.score(pixels, prompts))) as Tensor2D)),
      dispose: () => {},
    };
    return { reward };
  },
});

/** The longest end of a prompt that one of the rewards does not read. */
function unreadByAny(rewards: readonly Reward[], prompt: string): string {
  const parts = rewards.map(({ unreadPart }) => unreadPart?.(prompt) ?? '');
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

/** The combined score when all its members are at the low and at the high end of their usual ranges. */
function combineRanges(
  rewards: readonly Reward[],
  way: Way,
  factors: readonly number[],
  calibrations: readonly Calibration[] | undefined,
): readonly [low: number, high: number] {
  const ends = [0, 1].map((end) => {
    const scores = rewards.map(({ usualRange }, i) => {
      const { mean, deviation } = calibrations?.[i] ?? { mean: 0, deviation: 1 };
      return (usualRange[end]! - mean) / deviation;
    });
    if (way === 'worst case') return Math.min(...scores);
    const shares = way === 'weighted sum' ? factors : scores.map(() => 1 / scores.length);
    return scores.reduce((sum, score, i) => sum + score * shares[i]!, 0);
  });
  return [Math.min(...ends), Math.max(...ends)];
}

function readWeights(text: string, count: number): number[] {
  const weights = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (weights.length === count && weights.every(Number.isFinite)) return weights;
  throw new UserError(
    'BAD_PARAM',
    `The weights "${text}" must be ${count} numbers with commas between them, one for each reward.`,
    { at: { param: 'weights' } },
  );
}

function readCalibrations(text: string, count: number): Calibration[] {
  const pairs = text.split(',').map((part) => part.trim().split(/\s+/).map(Number));
  const isPair = (pair: readonly number[]) => pair.length === 2 && pair.every(Number.isFinite) && pair[1]! > 0;
  if (pairs.length === count && pairs.every(isPair))
    return pairs.map(([mean, deviation]) => ({ mean: mean!, deviation: deviation! }));
  throw new UserError(
    'BAD_PARAM',
    `The calibration "${text}" must be ${count} pairs with commas between them, one for each reward: its mean, a space, and its standard deviation above 0.`,
    { at: { param: 'calibration' } },
  );
}
