import type { NodeContext } from '../../../nodes/defineNode.ts';
import { sampleSettings } from '../../../nodes/generate/shared/sampleParams.ts';
import { sampleImages } from '../../../nodes/ml/diffusion/sampleImages.ts';
import { takeRow } from '../../../nodes/ml/optimise/maximise.ts';
import { maximiseBatches } from '../../../nodes/ml/optimise/maximiseBatches.ts';
import { disposeSnapshot, type RowResult, type Snapshot } from '../../../nodes/ml/optimise/rowState.ts';
import { balance, type Point } from '../../../nodes/ml/pareto.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { concat, dispose, type Tensor4D } from '../../../nodes/ml/tf.ts';
import { bestOfN } from '../../../nodes/optimise/bestOfN.ts';
import { find } from '../../../nodes/optimise/find.ts';
import { paretoNoise } from '../../../nodes/optimise/paretoNoise.ts';
import { reno } from '../../../nodes/optimise/reno.ts';
import { createStepper, readWatchSettings } from '../../../nodes/optimise/shared/gradientParams.ts';
import type { Generator, Noise, Reward, SampleRequest } from '../../../nodes/ports.ts';
import { combine } from '../../../nodes/reward/combine.ts';
import type { Calibrations } from './calibrate.ts';
import { type changedParams, paramsOf } from './paramsOf.ts';
import type { Made as MadeImage, Method as MethodOf, Trial } from './trial.ts';

/** What methods work with. */
export interface Tools {
  readonly generator: Generator;
  /** The first is optimised alone, all of them together; all give gradients. */
  readonly ensemble: readonly Reward[];
  readonly calibrations: Calibrations;
  /** Sampling of the base, and of the method that takes more steps. */
  readonly steps: number;
  readonly moreSteps: number;
  /** Params of ReNO that differ from the node's own. */
  readonly climbing: ReturnType<typeof changedParams<typeof reno.params>>;
  /** Forward evaluations that an optimiser may spend on a trial. */
  readonly budget: number;
  /** Images at once. */
  readonly batch: number;
  readonly context: NodeContext;
  /** Seconds that a method took for this very trial. Throws where it has not been given it. */
  secondsOf(method: string, trial: Trial): number;
}

export interface Made extends MadeImage {
  /** Where a population sought it: scores by the ensemble of all images on the way, or of those that none of them dominates. */
  readonly seen?: readonly Point[];
}

export type Method = MethodOf<Trial, Made>;

/** The noises that all methods begin with for their seeds; the caller owns the latents. */
export function noiseOf(seeds: readonly number[], { defaults, latentShape }: Generator): Noise {
  return { latents: latentNoise(seeds, latentShape(defaults.width, defaults.height)), seeds };
}

/** An image for each prompt from the noise of one seed, as the nodes that sample do it. */
export async function drawEach(
  prompts: readonly string[],
  seed: number,
  { generator, steps, batch }: Pick<Tools, 'generator' | 'steps' | 'batch'>,
  steering: Partial<Pick<SampleRequest, 'conditions' | 'guidance'>> = {},
): Promise<MadeImage[]> {
  const noise = noiseOf(
    prompts.map(() => seed),
    generator,
  );
  const settings = sampleSettings(generator, paramsOf(reno, { steps }));
  const request = { noise, prompts, negativePrompt: '', settings, conditions: [], ...steering };
  return rowsOfMade({ images: await sampleImages(generator, request, batch, async () => {}), noise });
}

/** Rows of several images, which are disposed of. */
export function rowsOfMade({ images, noise }: MadeImage): MadeImage[] {
  const rows = noise.seeds.map((seed, i) => ({
    images: { pixels: takeRow(images.pixels, i), labels: [images.labels[i]!] },
    noise: { latents: takeRow(noise.latents, i), seeds: [seed] },
  }));
  dispose([images.pixels, noise.latents]);
  return rows;
}

const draw = (tools: Tools): Method => ({
  together: true,
  optimises: [],
  make: (trials) =>
    drawEach(
      trials.map(({ prompt }) => prompt),
      trials[0]!.seed,
      tools,
    ),
});

/** A method that is given one trial at a time. */
const alone = (optimises: readonly Reward[], make: (trial: Trial) => Promise<Made>): Method => ({
  together: false,
  optimises: optimises.map(({ name }) => name),
  make: async ([trial]) => [await make(trial!)],
});

const best = ({ generator, ensemble, steps, batch, context }: Tools, candidatesOf: (trial: Trial) => number): Method =>
  alone(ensemble.slice(0, 1), async (trial) => {
    const inputs = { generator, prompt: trial.prompt, rewards: ensemble.slice(0, 1), watch: [], conditions: [] };
    const params = paramsOf(bestOfN, { seed: 1000 * trial.seed, candidates: candidatesOf(trial), steps, batch });
    const { images, noise } = await bestOfN.run(inputs, params, context);
    return { images, noise };
  });

/** ReNO; `members` are the rewards that it adds up, or those that were made into one. */
const climb = (tools: Tools, rewards: readonly Reward[], members = rewards): Method => ({
  together: true,
  optimises: members.map(({ name }) => name),
  make: (trials) =>
    climbEach(
      trials.map(({ prompt }) => prompt),
      trials[0]!.seed,
      rewards,
      tools,
    ),
});

/** ReNO for each prompt from the noise of one seed, all at once. */
export async function climbEach(
  prompts: readonly string[],
  seed: number,
  rewards: readonly Reward[],
  tools: Pick<Tools, 'generator' | 'steps' | 'climbing' | 'budget'>,
  conditions: SampleRequest['conditions'] = [],
): Promise<MadeImage[]> {
  const noise = noiseOf(
    prompts.map(() => seed),
    tools.generator,
  );
  const rows = await climbRows({ noise, prompts, conditions }, rewards, tools, tools.budget);
  return rows.map(({ best }, i) => imageOf(best, { prompt: prompts[i]!, seed }));
}

/** Half of the budget looks for the noise that is best by all rewards, the other half climbs from there. */
const searchThenClimb = (tools: Tools): Method => ({
  together: true,
  optimises: tools.ensemble.map(({ name }) => name),
  async make(trials) {
    const { generator, ensemble: rewards, budget, steps, batch, context } = tools;
    const half = Math.max(1, Math.floor(budget / 2));
    const starts: Noise[] = [];
    for (const { prompt, seed } of trials) {
      const inputs = { generator, prompt, rewards, watch: [], conditions: [] };
      const params = paramsOf(bestOfN, { seed: 1000 * seed, candidates: half, steps, batch });
      const { images, noise } = await bestOfN.run(inputs, params, context);
      images.pixels.dispose();
      starts.push(noise);
    }
    const latents: Tensor4D = concat(
      starts.map((start) => start.latents),
      0,
    );
    dispose(starts.map((start) => start.latents));
    const noise = { latents, seeds: starts.flatMap(({ seeds }) => seeds) };
    const prompts = trials.map(({ prompt }) => prompt);
    const rows = await climbRows({ noise, prompts, conditions: [] }, rewards, tools, Math.max(1, budget - half));
    return rows.map(({ best }, i) => imageOf(best, { prompt: prompts[i]!, seed: noise.seeds[i]! }));
  },
});

/** Rows that are optimised together, of which only the best snapshots are left, which the caller owns; it takes over the noise. */
async function climbRows(
  shown: Pick<SampleRequest, 'noise' | 'prompts' | 'conditions'>,
  rewards: readonly Reward[],
  { generator, steps, climbing }: Pick<Tools, 'generator' | 'steps' | 'climbing'>,
  evaluations: number,
): Promise<RowResult[]> {
  const { seeds, latents } = shown.noise;
  const params = paramsOf(reno, { ...climbing, evaluations, steps });
  const request = { ...shown, negativePrompt: '', settings: sampleSettings(generator, params) };
  const settings = {
    ...params,
    batch: seeds.length,
    watch: readWatchSettings(params),
    variable: 'noise' as const,
    createStepper: () => createStepper(params),
  };
  try {
    const rows = await maximiseBatches({ generator, request, rewards, watched: [] }, settings, async () => {});
    for (const { first } of rows) disposeSnapshot(first);
    return rows;
  } finally {
    latents.dispose();
  }
}

function imageOf({ pixels, variable }: Snapshot, label: { readonly prompt: string; readonly seed: number }): MadeImage {
  const noise = { latents: variable as Tensor4D, seeds: [label.seed] };
  return { images: { pixels, labels: [label] }, noise };
}

/** How many images could be drawn and scored in the time that ReNO took for a trial, measured on that very trial. */
function imagesInTime(trial: Trial, { budget, secondsOf }: Tools): number {
  const aImage = secondsOf('best of N, equal calls', trial) / budget;
  return Math.max(1, Math.round(secondsOf('ReNO', trial) / aImage));
}

const learn = (tools: Tools): Method => {
  const { generator, ensemble, steps, batch, context } = tools;
  const rewards = ensemble.slice(0, 1);
  return alone(rewards, async (trial) => {
    const budget = imagesInTime(trial, tools);
    const inputs = { generator, prompt: trial.prompt, rewards, watch: [], conditions: [] };
    const perIteration = Math.min(batch, Math.ceil(budget / 2));
    const iterations = Math.max(1, Math.floor(budget / perIteration) - 1); // the last images are drawn from what was learned
    const learning = { iterations, perIteration, samples: perIteration, batch };
    const params = paramsOf(find, { seed: 1000 * trial.seed, calibration: 'running mean', ...learning, steps });
    const made = await find.run(inputs, params, context);
    const { distribution, bestImages, bestNoise, bestScores, scores, images, noise } = made;
    dispose([distribution.mean, distribution.std]);
    const drawn = scores.values.map(([score]) => score!);
    const most = Math.max(...drawn);
    const kept = bestScores.values[0]![0]! >= most;
    const rest = kept ? { images, noise } : { images: bestImages, noise: bestNoise };
    dispose([rest.images.pixels, rest.noise.latents]);
    return kept ? { images: bestImages, noise: bestNoise } : pickRow({ images, noise }, drawn.indexOf(most));
  });
};

/** Row i of several images, which are disposed of. */
function pickRow(made: MadeImage, i: number): MadeImage {
  const rows = rowsOfMade(made);
  for (const [k, { images, noise }] of rows.entries()) if (k !== i) dispose([images.pixels, noise.latents]);
  return rows[i]!;
}

/** The noises of a population for a trial, and how many evaluations its budget gives each; the caller owns the latents. */
function populationOf(trial: Trial, { generator, budget }: Tools): { noise: Noise; evaluations: number } {
  const members = Math.min(8, budget);
  const seeds = Array.from({ length: members }, (_, i) => 1000 * trial.seed + i);
  return { noise: noiseOf(seeds, generator), evaluations: Math.max(1, Math.floor(budget / members)) };
}

const climbToFront = (tools: Tools): Method =>
  alone(tools.ensemble, async (trial) => {
    const { generator, ensemble: rewards, steps, context } = tools;
    const { noise, evaluations } = populationOf(trial, tools);
    const inputs = { generator, noise, prompt: trial.prompt, rewards, watch: [], conditions: [] };
    try {
      const params = paramsOf(paretoNoise, { evaluations, steps, batch: noise.seeds.length, keep: 256 });
      const made = await paretoNoise.run(inputs, params, context);
      const ranks = balance(made.scores.values);
      return { ...pickRow(made, ranks.indexOf(Math.max(...ranks))), seen: made.scores.values };
    } finally {
      noise.latents.dispose();
    }
  });

/** The same population climbs a sum of the rewards with fixed shares, each reward in units of its usual range. */
const climbWeighted = (tools: Tools, shares: readonly number[]): Method =>
  alone(tools.ensemble, async (trial) => {
    const { noise, evaluations } = populationOf(trial, tools);
    const rewards = tools.ensemble.map((reward, k) => ({
      ...reward,
      weight: shares[k]! / (reward.usualRange[1] - reward.usualRange[0]),
    }));
    const { prompt } = trial;
    const rows = await climbRows({ noise, prompts: [prompt], conditions: [] }, rewards, tools, evaluations);
    const ranks = balance(rows.map(({ best }) => best.scores));
    const chosen = ranks.indexOf(Math.max(...ranks));
    for (const [i, { best }] of rows.entries()) if (i !== chosen) disposeSnapshot(best);
    const seen = rows.flatMap(({ trace }) => trace.map((row) => row.slice(1, 1 + rewards.length)));
    return { ...imageOf(rows[chosen]!.best, { prompt, seed: noise.seeds[chosen]! }), seen };
  });

/** Five ways to weigh K rewards: all equal, one of the first two by 0.7, or by 1. */
function fixedShares(rewards: number): number[][] {
  const on = (k: number, share: number) =>
    Array.from({ length: rewards }, (_, i) => (i === k ? share : (1 - share) / (rewards - 1)));
  return [on(0, 1 / rewards), on(0, 0.7), on(1, 0.7), on(0, 1), on(1, 1)];
}

/** The ways to make one reward of an ensemble whose members are standardised; lambda is that of the source for optimising. */
const ways = { WCO: 'worst case', UWO: 'uncertainty-weighted' } as const;

function combined(way: keyof typeof ways, { ensemble, calibrations, context }: Tools): Reward {
  const pairs = ensemble.map(({ name }) => `${calibrations[name]!.mean} ${calibrations[name]!.deviation}`);
  const params = paramsOf(combine, { way: ways[way], lambda: 0.1, calibration: pairs.join(', ') });
  return (combine.run({ rewards: ensemble }, params, context) as { reward: Reward }).reward;
}

/** All methods, in the order in which a trial is given to them: the later ones ask what the earlier ones took. */
export function methodsOf(tools: Tools): Readonly<Record<string, Method>> {
  const { ensemble, budget, moreSteps } = tools;
  const together = (): Record<string, Method> => ({
    'ReNO, weighted sum': climb(tools, ensemble),
    'best of N, then ReNO': searchThenClimb(tools),
    ...Object.fromEntries(
      (['WCO', 'UWO'] as const).map((way) => [`ReNO, ${way}`, climb(tools, [combined(way, tools)], ensemble)]),
    ),
    [frontMethod]: climbToFront(tools),
    ...Object.fromEntries(
      fixedShares(ensemble.length).map((shares) => [
        `weights ${shares.map((share) => share.toFixed(2)).join(':')}`,
        climbWeighted(tools, shares),
      ]),
    ),
  });
  return {
    'one sample': draw(tools),
    'more steps': draw({ ...tools, steps: moreSteps }),
    'best of N, equal calls': best(tools, () => budget),
    ReNO: climb(tools, ensemble.slice(0, 1)),
    'best of N, equal time': best(tools, (trial) => imagesInTime(trial, tools)),
    'FIND, equal time': learn(tools),
    ...(ensemble.length > 1 ? together() : {}),
  };
}

/** The method whose hypervolume is compared with that of fixed weightings. */
export const frontMethod = 'Pareto noise';
