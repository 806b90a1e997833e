import type { NodeContext } from '../../../nodes/defineNode.ts';
import { sample } from '../../../nodes/generate/sample.ts';
import { rowOf } from '../../../nodes/ml/optimise/climb.ts';
import { balance, type Point } from '../../../nodes/ml/pareto.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { dispose } from '../../../nodes/ml/tf.ts';
import { bestOfN } from '../../../nodes/optimise/bestOfN.ts';
import { find } from '../../../nodes/optimise/find.ts';
import { paretoNoise } from '../../../nodes/optimise/paretoNoise.ts';
import { reno } from '../../../nodes/optimise/reno.ts';
import type { Param, ParamValue } from '../../../nodes/params.ts';
import type { Generator, Images, Noise, Reward, Scores } from '../../../nodes/ports.ts';
import type { Trial } from './trial.ts';

/** What methods work with. */
export interface Tools {
  readonly generator: Generator;
  /** What is optimised alone, and together; all give gradients. */
  readonly single: Reward;
  readonly ensemble: readonly Reward[];
  /** Sampling of the base, and of the method that takes more steps. */
  readonly steps: number;
  readonly moreSteps: number;
  /** Forward evaluations that an optimiser may spend on a trial. */
  readonly budget: number;
  readonly context: NodeContext;
  /** Seconds that a method took for this very trial. */
  secondsOf(method: string, trial: Trial): number;
}

/** One picture and its noise, which the caller owns. */
export interface Made {
  readonly images: Images;
  readonly noise: Noise;
  /** Where a population sought it: scores by the ensemble of all pictures on the way, or of those that none of them dominates. */
  readonly seen?: readonly Point[];
}

export type Method = (trial: Trial, tools: Tools) => Promise<Made>;

/** A node's own params, with some changed. */
function paramsOf<P extends Readonly<Record<string, Param>>>(
  node: { readonly params: P },
  changed: Partial<{ [Name in keyof P]: ParamValue<P[Name]> }>,
): { [Name in keyof P]: ParamValue<P[Name]> } {
  const initial = Object.fromEntries(Object.entries(node.params).map(([name, param]) => [name, param.initial]));
  return { ...initial, ...changed } as { [Name in keyof P]: ParamValue<P[Name]> };
}

/** The noise that all methods begin with for a seed. */
function noiseOf({ seed }: Trial, { generator }: Tools): Noise {
  const { width, height } = generator.defaults;
  return { latents: latentNoise([seed], generator.latentShape(width, height)), seeds: [seed] };
}

const draw =
  (stepsOf: (tools: Tools) => number): Method =>
  async (trial, tools) => {
    const noise = noiseOf(trial, tools);
    const inputs = { generator: tools.generator, noise, prompt: trial.prompt, conditions: [] };
    const params = paramsOf(sample, { steps: stepsOf(tools) });
    return { images: (await sample.run(inputs as never, params as never, tools.context)).images, noise };
  };

const best =
  (candidatesOf: (trial: Trial, tools: Tools) => number): Method =>
  async (trial, tools) => {
    const { generator, single, steps, context } = tools;
    const inputs = { generator, prompt: trial.prompt, rewards: [single], watch: [], conditions: [] };
    const candidates = candidatesOf(trial, tools);
    const params = paramsOf(bestOfN, { seed: 1000 * trial.seed, candidates, steps, batch: 8 });
    const { images, noise } = await bestOfN.run(inputs, params, context);
    return { images, noise };
  };

const climb =
  (rewardsOf: (tools: Tools) => readonly Reward[]): Method =>
  async (trial, tools) => {
    const { generator, steps, budget, context } = tools;
    const noise = noiseOf(trial, tools);
    const inputs = { generator, noise, prompt: [trial.prompt], rewards: rewardsOf(tools), watch: [], conditions: [] };
    const params = paramsOf(reno, { evaluations: budget, steps, batch: 1 });
    try {
      const made = await reno.run({ ...inputs, lookThrough: undefined }, params, context);
      made.firstImages.pixels.dispose();
      return { images: made.images, noise: made.noise };
    } finally {
      noise.latents.dispose();
    }
  };

/** How many pictures could be drawn and scored in the time that ReNO took for a trial, measured on that very trial. */
function picturesInTime(trial: Trial, { budget, secondsOf }: Tools): number {
  const aPicture = secondsOf('best of N, equal calls', trial) / budget;
  return Math.max(1, Math.round(secondsOf('ReNO', trial) / aPicture));
}

const learn: Method = async (trial, tools) => {
  const { generator, single, steps, context } = tools;
  const budget = picturesInTime(trial, tools);
  const inputs = { generator, prompt: trial.prompt, rewards: [single], watch: [], conditions: [] };
  const perIteration = Math.min(8, Math.ceil(budget / 2));
  const iterations = Math.max(1, Math.floor(budget / perIteration) - 1); // the last pictures are drawn from what was learned
  const learning = { iterations, perIteration, samples: perIteration, batch: perIteration, learningRate: 0.02 };
  const params = paramsOf(find, { seed: 1000 * trial.seed, calibration: 'running mean', ...learning, steps });
  const made = await find.run(inputs, params, context);
  const kept = made.bestScores.values[0]![0]! >= Math.max(...made.scores.values.map(([score]) => score!));
  dispose([made.distribution.mean, made.distribution.std]);
  if (kept) {
    dispose([made.images.pixels, made.noise.latents]);
    return { images: made.bestImages, noise: made.bestNoise };
  }
  dispose([made.bestImages.pixels, made.bestNoise.latents]);
  const scores = made.scores.values.map(([score]) => score!);
  return rowOfMade(made, scores.indexOf(Math.max(...scores)));
};

/** Row i of several pictures, which are disposed of. */
function rowOfMade({ images, noise }: Made, i: number): Made {
  const [pixels, latents] = [rowOf(images.pixels, i), rowOf(noise.latents, i)];
  dispose([images.pixels, noise.latents]);
  return { images: { pixels, labels: [images.labels[i]!] }, noise: { latents, seeds: [noise.seeds[i]!] } };
}

/** The noises of a population for a trial, and how many evaluations its budget gives each; the caller owns the latents. */
function populationOf(trial: Trial, { generator, budget }: Tools): { noise: Noise; evaluations: number } {
  const members = Math.min(8, budget);
  const { width, height } = generator.defaults;
  const seeds = Array.from({ length: members }, (_, i) => 1000 * trial.seed + i);
  const noise = { latents: latentNoise(seeds, generator.latentShape(width, height)), seeds };
  return { noise, evaluations: Math.max(1, Math.floor(budget / members)) };
}

/** The most balanced of several pictures, and all scores that were seen on the way. */
function balanced(made: Made & { readonly scores: Scores }, seen: readonly Point[]): Made {
  const ranks = balance(made.scores.values);
  return { ...rowOfMade(made, ranks.indexOf(Math.max(...ranks))), seen };
}

const climbToFront: Method = async (trial, tools) => {
  const { generator, ensemble, steps, context } = tools;
  const { noise, evaluations } = populationOf(trial, tools);
  const inputs = { generator, noise, prompt: trial.prompt, rewards: ensemble, watch: [], conditions: [] };
  try {
    const params = paramsOf(paretoNoise, { evaluations, steps, batch: noise.seeds.length, keep: 256 });
    const made = await paretoNoise.run(inputs, params, context);
    return balanced(made, made.scores.values);
  } finally {
    noise.latents.dispose();
  }
};

/** The same population climbs a sum of the rewards with fixed shares, each reward in units of its usual range. */
const climbWeighted =
  (shares: readonly number[]): Method =>
  async (trial, tools) => {
    const { generator, ensemble, steps, context } = tools;
    const { noise, evaluations } = populationOf(trial, tools);
    const rewards = ensemble.map((reward, k) => ({
      ...reward,
      weight: shares[k]! / (reward.usualRange[1] - reward.usualRange[0]),
    }));
    const inputs = {
      generator,
      noise,
      prompt: [trial.prompt],
      rewards,
      watch: [],
      conditions: [],
      lookThrough: undefined,
    };
    try {
      const params = paramsOf(reno, { evaluations, steps, batch: noise.seeds.length });
      const made = await reno.run(inputs, params, context);
      made.firstImages.pixels.dispose();
      return balanced(
        made,
        made.trace.values.flat().map((row) => row.slice(1, 1 + rewards.length)),
      );
    } finally {
      noise.latents.dispose();
    }
  };

/** Five ways to weigh K rewards: all equal, one of the first two by 0.7, or by 1. */
function fixedShares(rewards: number): number[][] {
  const on = (k: number, share: number) =>
    Array.from({ length: rewards }, (_, i) => (i === k ? share : (1 - share) / (rewards - 1)));
  return [on(0, 1 / rewards), on(0, 0.7), on(1, 0.7), on(0, 1), on(1, 1)];
}

/** All methods, in the order in which a trial is given to them: the later ones ask what the earlier ones took. */
export function methodsOf({ ensemble }: Tools): Readonly<Record<string, Method>> {
  const fixed = ensemble.length > 1 ? fixedShares(ensemble.length) : [];
  const together: Record<string, Method> = {
    'ReNO, ensemble': climb((tools) => tools.ensemble),
    'Pareto noise': climbToFront,
    ...Object.fromEntries(
      fixed.map((shares) => [`weights ${shares.map((share) => share.toFixed(2)).join(':')}`, climbWeighted(shares)]),
    ),
  };
  return {
    'one sample': draw(({ steps }) => steps),
    'more steps': draw(({ moreSteps }) => moreSteps),
    'best of N, equal calls': best((_, { budget }) => budget),
    ReNO: climb(({ single }) => [single]),
    'best of N, equal time': best(picturesInTime),
    'FIND, equal time': learn,
    ...(ensemble.length > 1 ? together : {}),
  };
}
