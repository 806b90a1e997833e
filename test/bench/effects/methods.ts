import type { NodeContext } from '../../../nodes/defineNode.ts';
import { sampleSettings } from '../../../nodes/generate/shared/sampleParams.ts';
import { sampleImages } from '../../../nodes/ml/diffusion/sampleImages.ts';
import { takeRow } from '../../../nodes/ml/optimise/maximise.ts';
import { maximiseBatches } from '../../../nodes/ml/optimise/maximiseBatches.ts';
import { disposeSnapshot, type RowResult, type Snapshot } from '../../../nodes/ml/optimise/rowState.ts';
import type { Point } from '../../../nodes/ml/pareto.ts';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { concat, dispose, type Tensor4D } from '../../../nodes/ml/tf.ts';
import { bestOfN } from '../../../nodes/optimise/bestOfN.ts';
import { find } from '../../../nodes/optimise/find.ts';
import { reno } from '../../../nodes/optimise/reno.ts';
import { createStepper, readWatchSettings } from '../../../nodes/optimise/shared/gradientParams.ts';
import { keepBestStarts } from '../../../nodes/optimise/shared/starts.ts';
import type { Generator, Noise, Reward, SampleRequest } from '../../../nodes/ports.ts';
import type { Calibrations } from './calibrate.ts';
import { type changedParams, paramsOf } from './paramsOf.ts';
import { type Made as MadeImage, type Method as MethodOf, seedsEach, type Trial } from './trial.ts';

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
  readonly renoParams: ReturnType<typeof changedParams<typeof reno.params>>;
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

/** An image for each trial from its own noise, as the nodes that sample do it. */
export async function drawEach(
  trials: readonly Pick<Trial, 'prompt' | 'seed'>[],
  { generator, steps, batch }: Pick<Tools, 'generator' | 'steps' | 'batch'>,
  steering: Partial<Pick<SampleRequest, 'conditions' | 'guidance'>> = {},
): Promise<MadeImage[]> {
  const noise = noiseOf(
    trials.map(({ seed }) => seed),
    generator,
  );
  const prompts = trials.map(({ prompt }) => prompt);
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

export const draw = (tools: Tools): Method => ({
  together: true,
  optimises: [],
  make: (trials) => drawEach(trials, tools),
});

/** A method that is given one trial at a time. */
export const alone = (optimises: readonly Reward[], make: (trial: Trial) => Promise<Made>): Method => ({
  together: false,
  optimises: optimises.map(({ name }) => name),
  make: async ([trial]) => [await make(trial!)],
});

/** The best by the sum of some rewards of as many images as `candidatesOf` says; the first is from the trial's own noise. */
export const best = (tools: Tools, rewards: readonly Reward[], candidatesOf: (trial: Trial) => number): Method =>
  alone(rewards, (trial) => tryNoises(trial, rewards, candidatesOf(trial), tools));

/** A method as a point of the curve of those that differ from it in evaluations alone. */
export const onCurve = (name: string, evaluations: number, method: Method): Method => ({
  ...method,
  curve: { name, evaluations },
});

async function tryNoises(
  { prompt, seed }: Trial,
  rewards: readonly Reward[],
  candidates: number,
  { generator, steps, batch, context }: Tools,
): Promise<MadeImage> {
  const params = paramsOf(bestOfN, { seed, candidates: Math.min(candidates, seedsEach), steps, batch });
  const { images, noise } = await bestOfN.run(
    { generator, prompt, rewards: [...rewards], watch: [], conditions: [] },
    params,
    context,
  );
  return { images, noise };
}

/** ReNO; `members` are the rewards that it adds up, or those that were made into one. */
export const optimise = (tools: Tools, rewards: readonly Reward[], { members = rewards, starts = 1 } = {}): Method => ({
  together: true,
  optimises: members.map(({ name }) => name),
  make: (trials) => optimiseEach(trials, rewards, tools, { starts }),
});

/** ReNO for each trial from its own noise, or from several, all at once. */
export async function optimiseEach(
  trials: readonly Pick<Trial, 'prompt' | 'seed'>[],
  rewards: readonly Reward[],
  tools: Pick<Tools, 'generator' | 'steps' | 'renoParams' | 'budget' | 'batch'>,
  { starts = 1, conditions = [] }: { readonly starts?: number; readonly conditions?: SampleRequest['conditions'] } = {},
): Promise<MadeImage[]> {
  const shown = trials.flatMap(({ prompt, seed }) =>
    Array.from({ length: starts }, (_, start) => ({ prompt, seed: seed + start })),
  );
  const noise = noiseOf(
    shown.map(({ seed }) => seed),
    tools.generator,
  );
  const prompts = shown.map(({ prompt }) => prompt);
  const { rows, chosen } = keepBestStarts(
    await optimiseRows({ noise, prompts, conditions }, rewards, tools, tools.budget),
    starts,
  );
  for (const { first } of rows) disposeSnapshot(first);
  return rows.map(({ best }, i) => imageOf(best, shown[chosen[i]!]!));
}

/** Half of the budget looks for the noise that is best by all rewards, the other half optimises from there. */
export const searchThenOptimise = (tools: Tools): Method => ({
  together: true,
  optimises: tools.ensemble.map(({ name }) => name),
  async make(trials) {
    const { ensemble: rewards, budget } = tools;
    const half = Math.max(1, Math.floor(budget / 2));
    const starts: Noise[] = [];
    for (const trial of trials) {
      const { images, noise } = await tryNoises(trial, rewards, half, tools);
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
    const rows = await optimiseRows({ noise, prompts, conditions: [] }, rewards, tools, Math.max(1, budget - half));
    for (const { first } of rows) disposeSnapshot(first);
    return rows.map(({ best }, i) => imageOf(best, { prompt: prompts[i]!, seed: noise.seeds[i]! }));
  },
});

/** Rows that are optimised together, whose snapshots the caller owns; it takes over the noise. */
export async function optimiseRows(
  shown: Pick<SampleRequest, 'noise' | 'prompts' | 'conditions'>,
  rewards: readonly Reward[],
  { generator, steps, renoParams, batch }: Pick<Tools, 'generator' | 'steps' | 'renoParams' | 'batch'>,
  evaluations: number,
): Promise<RowResult[]> {
  const { latents } = shown.noise;
  const params = paramsOf(reno, { ...renoParams, evaluations, steps });
  const request = { ...shown, negativePrompt: '', settings: sampleSettings(generator, params) };
  const settings = {
    ...params,
    batch,
    watch: readWatchSettings(params),
    variable: 'noise' as const,
    createStepper: () => createStepper(params),
  };
  try {
    return await maximiseBatches({ generator, request, rewards, watched: [] }, settings, async () => {});
  } finally {
    latents.dispose();
  }
}

export function imageOf(
  { pixels, variable }: Snapshot,
  label: { readonly prompt: string; readonly seed: number },
): MadeImage {
  const noise = { latents: variable as Tensor4D, seeds: [label.seed] };
  return { images: { pixels, labels: [label] }, noise };
}

/** How many images could be drawn and scored in the time that a method took for a trial, measured on that very trial. */
export const imagesInTime =
  ({ secondsOf }: Tools, method: string, equalCalls: { readonly method: string; readonly images: number }) =>
  (trial: Trial): number =>
    Math.max(1, Math.round((secondsOf(method, trial) * equalCalls.images) / secondsOf(equalCalls.method, trial)));

/**
 * FIND for as many images as `imagesOf` says; `shows`: the best image of the search, or one drawn afresh from the distribution
 * that it learned.
 */
export const learn = (tools: Tools, imagesOf: (trial: Trial) => number, shows: 'best' | 'fresh'): Method => {
  const { generator, ensemble, steps, batch, context } = tools;
  const rewards = ensemble.slice(0, 1);
  return alone(rewards, async (trial) => {
    const images = imagesOf(trial);
    const inputs = { generator, prompt: trial.prompt, rewards, watch: [], conditions: [] };
    const perIteration = Math.min(batch, Math.ceil(images / 2));
    const samples = shows === 'best' ? perIteration : 1; // drawn from what was learned
    const iterations = Math.max(1, Math.floor((images - samples) / perIteration));
    const learning = { iterations, perIteration, samples, batch };
    const params = paramsOf(find, { seed: trial.seed, calibration: 'running mean', ...learning, steps });
    const made = await find.run(inputs, params, context);
    const { distribution, bestImages, bestNoise, bestScores, scores } = made;
    dispose([distribution.mean, distribution.std]);
    const [searched, drawn] = [
      { images: bestImages, noise: bestNoise },
      { images: made.images, noise: made.noise },
    ];
    const totals = scores.values.map(([score]) => score!);
    const most = Math.max(...totals);
    const searchedIsBest = shows === 'best' && bestScores.values[0]![0]! >= most;
    const rest = searchedIsBest ? drawn : searched;
    dispose([rest.images.pixels, rest.noise.latents]);
    return searchedIsBest ? searched : pickRow(drawn, totals.indexOf(most));
  });
};

/** Row i of several images, which are disposed of. */
export function pickRow(made: MadeImage, i: number): MadeImage {
  const rows = rowsOfMade(made);
  for (const [k, { images, noise }] of rows.entries()) if (k !== i) dispose([images.pixels, noise.latents]);
  return rows[i]!;
}
