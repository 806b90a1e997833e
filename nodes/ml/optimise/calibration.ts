import { randomStream } from '../random.ts';
import { adamWStep, startAdamW } from '../train/adamW.ts';
import type { GaussianPolicy } from './gaussianPolicy.ts';
import { expectedReward, startValueNetwork, valueGradient } from './valueNetwork.ts';

/** Turns the rewards of a policy's samples into advantages: how much better each was than expected. */
type Calibration = (policy: GaussianPolicy, rewards: readonly number[]) => number[];

/** Advantages by an expectation of the reward that a network learns from (mu, s). Source: arXiv 2407.19453, its code. */
export function valueCalibration(inputs: number, seed: number): Calibration {
  const state = startAdamW(startValueNetwork(inputs, randomStream(seed)));
  const adam = { learningRate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
  const still = { clipNorm: Number.POSITIVE_INFINITY, averageDecay: 0 };
  const remembered: { readonly policy: GaussianPolicy; readonly rewards: readonly number[] }[] = [];
  return (policy, rewards) => {
    const value = expectedReward(state.parameters, policy);
    remembered.unshift({ policy: policy.slice(), rewards });
    remembered.splice(8);
    adamWStep(state, valueGradient(state.parameters, remembered), { ...adam, ...still });
    return rewards.map((reward) => reward - value);
  };
}

/** The decay of the exponential means. */
const DECAY = 0.9;

/** Advantages by exponential means of the reward and of its variance, in units of its deviation. */
export function runningCalibration(): Calibration {
  let mean: number | undefined;
  let variance = 0;
  return (_policy, rewards) => {
    const keep = mean === undefined ? 0 : DECAY;
    mean = keep * (mean ?? 0) + (1 - keep) * average(rewards);
    const expected = mean;
    variance = keep * variance + (1 - keep) * average(rewards.map((reward) => (reward - expected) ** 2));
    const unit = Math.sqrt(variance) + 1e-8;
    return rewards.map((reward) => (reward - expected) / unit);
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
