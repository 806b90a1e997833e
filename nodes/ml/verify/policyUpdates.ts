import { filterSamples } from '../optimise/filterSamples.ts';
import { type GaussianPolicy, meanLogProb } from '../optimise/gaussianPolicy.ts';
import { hypervolume, sparsity } from '../pareto.ts';
import {
  hybridGradient,
  leaveOneOut,
  squaredCorrelation,
  uncertaintyWeighted,
  worstCase,
} from '../policy/advantages.ts';
import { exp3, inverseGap, learnerShare } from '../policy/budget.ts';
import { facilityLocation, gaussianKernel, pickDiverse } from '../policy/diverseSet.ts';
import { expectedUtility, extensionLoss } from '../policy/front.ts';
import { divergence, mirrorLoss, mirrorStep } from '../policy/mirrorDescent.ts';
import { frequencyLoss, mixtureDensity, mixtureLoss } from '../policy/mixturePolicy.ts';
import { harpgStep, igtStep, type MomentumState, startMomentum } from '../policy/momentum.ts';
import {
  clippedLoss,
  k3,
  type PolicyLoss,
  type PolicySample,
  posteriorLoss,
  propsLoss,
  ratios,
  remaxLoss,
  weighLogDensities,
  withPrior,
} from '../policy/surrogates.ts';
import { shareWon } from '../preference/rankDpo.ts';
import { randomStream } from '../random.ts';
import type { Family, GoldenFolder } from './family.ts';

/** Of FIND's loss. */
const ADVANTAGE_WEIGHT = 10;

/** Updates of a noise policy, votes, sets, fronts and budgets: formulas on a few numbers. */
export const policyUpdates: Family = async (golden) => {
  const inputs = await readInputs(golden);
  const outputs = { ...policyLosses(inputs), ...mixtures(inputs), ...chains(inputs), ...choices(inputs) };
  for (const [name, values] of Object.entries(outputs)) golden.output(`out.${name}`, Array.from(values));
};

type Outputs = Record<string, ArrayLike<number>>;
type Inputs = Awaited<ReturnType<typeof readInputs>>;

async function readInputs({ input, settings }: GoldenFolder) {
  const vector = async (name: string) => Float32Array.from(await input(`in.${name}`).data());
  const rows = async (name: string) => (await input(`in.${name}`).array()) as number[][];
  const policy = async (name: string): Promise<GaussianPolicy> =>
    Float32Array.from([...(await vector(`${name}.mean`)), ...(await vector(`${name}.std`))]);
  const noises = (await rows('z')).map((row) => Float32Array.from(row));
  const advantages = await vector('advantages');
  return {
    stated: settings as Record<string, number>,
    old: await policy('old'),
    far: await policy('far'),
    near: await policy('near'),
    samples: noises.map((noise, i): PolicySample => ({ noise, advantage: advantages[i]! })),
    rewards: Array.from(await vector('rewards')),
    truth: Array.from(await vector('truth')),
    table: await rows('table'),
    logits: Array.from(await vector('mixture.logits')),
    experts: await Promise.all([rows('mixture.mean'), rows('mixture.std')]),
    goal: await vector('chain.goal'),
    noise: await rows('chain.noise'),
    second: await rows('chain.second'),
    q: await vector('chain.q'),
    points: await rows('points'),
    front: await rows('front'),
    objectives: Array.from(await vector('objectives')),
    before: Array.from(await vector('objectives_before')),
    critic: await vector('critic'),
    arms: Array.from(await vector('arms')),
    armWeights: Array.from(await vector('arm_weights')),
  };
}

/** A loss and its gradients by the names of the file. */
function named(name: string, { loss, gradient }: PolicyLoss): Outputs {
  const d = gradient.length / 2;
  return {
    [`${name}.loss`]: [loss],
    [`${name}.grad_mean`]: gradient.slice(0, d),
    [`${name}.grad_std`]: gradient.slice(d),
  };
}

function policyLosses({ stated, old, far, near, samples, rewards }: Inputs): Outputs {
  const { clip, prior, beta, nats, temperature, greedy } = stated as Record<string, number> & { clip: number };
  const find = clippedLoss(far, old, samples, { clip, density: 'mean' });
  const advantages = samples.map(({ advantage }) => advantage);
  const moved = mirrorStep(old, weighLogDensities(old, samples, advantages, 'sum'), nats!);
  const d = moved.length / 2;
  return {
    'far.mean_log_prob': samples.map(({ noise }) => meanLogProb(far, noise)),
    'far.rho_mean': ratios(far, old, samples, 'mean'),
    'near.rho_sum': ratios(near, old, samples, 'sum'),
    'near.kl': [divergence(near, old).loss],
    ...named('find', withPrior(find, far, ADVANTAGE_WEIGHT, prior!)),
    ...named('find_released', withPrior(releasedLoss(far, old, samples, clip), far, ADVANTAGE_WEIGHT, prior!)),
    ...named('ppo_sum', clippedLoss(near, old, samples, { clip, density: 'sum' })),
    ...named('mdpo', mirrorLoss(near, old, samples, beta!)),
    'props.k3': [k3(ratios(near, old, samples, 'sum'))],
    ...named('props', propsLoss(near, old, samples)),
    'mirror.mean': moved.slice(0, d),
    'mirror.std': moved.slice(d),
    'mirror.kl': [divergence(moved, old).loss],
    ...named('remax', remaxLoss(old, samples, rewards, greedy!)),
    ...named('brain', posteriorLoss(near, old, samples, rewards, temperature!)),
    leave_one_out: leaveOneOut(rewards),
  };
}

/** The hard clamp of FIND's released code, which has no gradient outside the band: for contrast only. */
function releasedLoss(
  policy: GaussianPolicy,
  old: GaussianPolicy,
  samples: readonly PolicySample[],
  clip: number,
): PolicyLoss {
  const rho = ratios(policy, old, samples, 'mean');
  const clipped = rho.map((each) => Math.min(1 + clip, Math.max(1 - clip, each)));
  const weights = samples.map(({ advantage }, i) => (rho[i] === clipped[i] ? -rho[i]! * advantage : 0));
  const gain = samples.reduce((sum, { advantage }, i) => sum + clipped[i]! * advantage, 0) / samples.length;
  return { loss: -gain, gradient: weighLogDensities(policy, samples, weights, 'mean') };
}

function mixtures({ logits, experts: [means, deviations], samples, rewards }: Inputs): Outputs {
  const experts = means!.map((mean, k): GaussianPolicy => Float32Array.from([...mean, ...deviations![k]!]));
  const policy = { logits, experts };
  const densities = samples.map(({ noise }) => mixtureDensity(policy, noise));
  const { loss, logits: slopes, experts: gradients } = mixtureLoss(policy, samples);
  const frequency = frequencyLoss(logits, rewards);
  const d = means![0]!.length;
  return {
    'mixture.log_prob': densities.map(({ logProb }) => logProb),
    'mixture.responsibilities': densities.flatMap(({ shares }) => shares),
    'mixture.loss': [loss],
    'mixture.grad_logits': slopes,
    'mixture.grad_mean': gradients.flatMap((each) => Array.from(each.slice(0, d))),
    'mixture.grad_std': gradients.flatMap((each) => Array.from(each.slice(d))),
    'frequency.loss': [frequency.loss],
    'frequency.grad_logits': frequency.logits,
  };
}

function chains({ goal, noise, second, q }: Inputs): Outputs {
  const d = goal.length;
  const reward = (z: Float32Array) => (-2 * z.reduce((sum, each, i) => sum + (each - goal[i]!) ** 2, 0)) / d;
  const follow = (step: (state: MomentumState, i: number) => MomentumState): number[] => {
    let state = startMomentum(new Float32Array(d));
    return noise.flatMap((_, i) => {
      state = step(state, i);
      return Array.from(state.theta);
    });
  };
  const drawn = (i: number) => Float32Array.from(noise[i]!);
  return {
    'igt.theta': follow((state, i) => igtStep(state, drawn(i), reward)),
    'harpg.theta': follow((state, i) =>
      harpgStep(state, { noise: drawn(i), second: Float32Array.from(second[i]!), q: q[i]! }, reward),
    ),
  };
}

function choices(inputs: Inputs): Outputs {
  const { stated, rewards, truth, table, points, front, objectives, before, critic, arms, armWeights, old, samples } =
    inputs;
  const everySecond = (values: readonly number[]) => values.filter((_, i) => i % 2 === 0);
  const kernel = gaussianKernel(points);
  const picked = pickDiverse(kernel, stated.picks!);
  const extension = extensionLoss(objectives, before, 0, { keep: stated.keep!, t: stated.barrier! });
  const d = old.length / 2;
  const policy = { mean: old.slice(0, d), deviation: old.slice(d) };
  const after = exp3(armWeights, stated.arm!, stated.arm_reward!, stated.eta!);
  const total = after.reduce((sum, weight) => sum + weight, 0);
  const share = (learner: number) => learnerShare({ learner, base: stated.base!, need: stated.need! });
  return {
    'filter.best_and_worst': filterSamples(rewards, 'best and worst', randomStream(0)),
    'filter.r2': [squaredCorrelation(rewards, truth), squaredCorrelation(everySecond(rewards), everySecond(truth))],
    win_rate: shareWon(table[0]!.map((_, reward) => table.map((row) => row[reward]!))),
    'ensemble.wco': table.map(worstCase),
    'ensemble.uwo': table.map((row) => uncertaintyWeighted(row, stated.uwo!)),
    'facility.order': picked.order,
    'facility.gains': picked.gains,
    'facility.optimum': [
      Math.max(...subsets(points.length, stated.picks!).map((set) => facilityLocation(kernel, set))),
    ],
    'morl.barrier': [extension.loss],
    'morl.grad': extension.gradient,
    'morl.expected_utility': [expectedUtility(front)],
    'morl.sparsity': [sparsity(front)],
    'morl.hypervolume': [hypervolume(front, [0, 0])],
    'step_mix.share': [share(stated.learner!), share(1), share(0.85)],
    'hybrid.gradient': hybridGradient(
      policy,
      samples.map(({ noise }) => noise),
      rewards,
      critic,
    ),
    'bandit.inverse_gap': inverseGap(arms, stated.gap!),
    'bandit.exp3': after.map((weight) => weight / total),
  };
}

/** All sets of `size` of the numbers below `count`. */
function subsets(count: number, size: number, from = 0): number[][] {
  if (size === 0) return [[]];
  return Array.from({ length: count - from }, (_, i) => from + i).flatMap((first) =>
    subsets(count, size - 1, first + 1).map((rest) => [first, ...rest]),
  );
}
