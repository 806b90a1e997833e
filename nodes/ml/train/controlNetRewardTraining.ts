import type { Consistency } from '../../ports.ts';
import { type ControlNetConfig, controlNetShapes } from '../models/controlNet.ts';
import { type RandomStream, randomStream } from '../random.ts';
import {
  add,
  addN,
  dispose,
  div,
  mean,
  mul,
  type Scalar,
  slice,
  squaredDifference,
  sub,
  sum,
  type Tensor4D,
} from '../tf.ts';
import type { ConditionKind } from '../world/conditionImage.ts';
import { type Scene, sampleScene } from '../world/scene.ts';
import {
  type ControlBatch,
  type ControlNetSettings,
  controlBatch,
  pickPrompts,
  predictSteered,
} from './controlNetTraining.ts';
import { layoutOf } from './flatParameters.ts';
import type { FrozenGenerator } from './frozenGenerator.ts';
import type { Training } from './trainStep.ts';

/** What is rewarded of a kind of condition: a small loss of `consistency`, times lambda. */
export interface ConsistencyReward {
  readonly kind: ConditionKind;
  readonly consistency: Consistency;
  readonly lambda: number;
}

interface RewardSettings extends ControlNetSettings {
  /** t_thre: noisier images are not rewarded, because one step does not show what becomes of them. */
  readonly maxTimestep: number;
}

/**
 * Fine-tunes a ControlNet so that what the generator draws keeps to the condition: the loss of diffusion stays, and beside it
 * stands the consistency loss of the image that one step from little noise leads to.
 * Source: arXiv 2404.07987 (ControlNet++), equations 7 to 9; its timesteps are uniform.
 *
 * | here    | there    |                                                                                              |
 * |---------|----------|----------------------------------------------------------------------------------------------|
 * | clean   | x0'      | decode(sqrt(abar) x_t - sqrt(1 - abar) v), which is equation 7 for a model that predicts v     |
 * | loss    | L(c, D(x0')) | of each rewarded image, by the detector of its kind                                     |
 * | lambda  | lambda   | 0.5 for segmentation, 1 for edges and depth                                                  |
 * | rewarded | t <= t_thre | the mean goes over these alone                                                           |
 */
export function controlNetRewardTraining(
  rewards: readonly ConsistencyReward[],
  { seed, batch, maxTimestep }: RewardSettings,
  config: ControlNetConfig,
  generator: FrozenGenerator,
): Training {
  return {
    layout: layoutOf(controlNetShapes(config)),
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const examples = drawExamples(random, rewards, batch, maxTimestep);
      const { scenes, timesteps, kinds, groups } = examples;
      const shown = controlBatch(random, { scenes, timesteps, kinds, prompts: pickPrompts(random, scenes) }, generator);
      return {
        loss(weights) {
          const v = predictSteered(weights, config, generator, shown);
          const diffusion = mean(squaredDifference(v, shown.target)) as Scalar;
          return groups.length > 0 ? add(diffusion, consistencyLoss(groups, shown, v, generator)) : diffusion;
        },
        dispose: () => dispose(Object.values(shown)),
      };
    },
    dispose: () => {},
  };
}

/** Rewarded examples of one kind: `count` rows from `start` on. */
interface Group extends ConsistencyReward {
  readonly start: number;
  readonly count: number;
}

/** Scenes with a kind and a timestep each, spread evenly: the rewarded ones first, kind by kind. */
function drawExamples(random: RandomStream, rewards: readonly ConsistencyReward[], batch: number, maxTimestep: number) {
  const shift = random.uniform();
  const drawn = Array.from({ length: batch }, (_, i) => ({
    scene: sampleScene(random),
    reward: random.integer(rewards.length),
    timestep: Math.floor(1000 * (((i + random.uniform()) / batch + shift) % 1)),
  }));
  const groupOf = ({ reward, timestep }: (typeof drawn)[number]) => (timestep <= maxTimestep ? reward : rewards.length);
  drawn.sort((a, b) => groupOf(a) - groupOf(b));
  const groups = rewards.flatMap((reward, k): Group[] => {
    const start = drawn.findIndex((each) => groupOf(each) === k);
    const count = drawn.filter((each) => groupOf(each) === k).length;
    return count > 0 ? [{ ...reward, start, count }] : [];
  });
  return {
    scenes: drawn.map(({ scene }): Scene => scene),
    timesteps: drawn.map(({ timestep }) => timestep),
    kinds: drawn.map(({ reward }) => rewards[reward]!.kind),
    groups,
  };
}

/** The mean over rewarded images of lambda L(c, D(x0')). */
function consistencyLoss(
  groups: readonly Group[],
  { noisy, a, s, image }: ControlBatch,
  v: Tensor4D,
  { decode }: FrozenGenerator,
): Scalar {
  const rewarded = groups.reduce((total, { count }) => total + count, 0);
  const rows = (x: Tensor4D, start: number, count: number): Tensor4D => slice(x, [start, 0, 0, 0], [count, -1, -1, -1]);
  const [x, signal, rest] = [noisy, a, s].map((each) => rows(each, 0, rewarded)) as [Tensor4D, Tensor4D, Tensor4D];
  const clean = decode(sub(mul(signal, x), mul(rest, rows(v, 0, rewarded))));
  const losses = groups.map(({ consistency, lambda, start, count }) =>
    mul<Scalar>(sum(consistency.loss(rows(clean, start, count), rows(image, start, count))), lambda),
  );
  return div(addN(losses), rewarded);
}
