import { UserError } from '../../errors.ts';
import type { Generator, Reward, SampleRequest } from '../../ports.ts';
import { toBytes } from '../image/encodePng.ts';
import { adam } from '../optimise/adam.ts';
import { evaluateWithGradient } from '../optimise/evaluate.ts';
import { maximise } from '../optimise/maximise.ts';
import { noiseNorm } from '../optimise/noiseNorm.ts';
import { noiseObjective } from '../optimise/objective.ts';
import { addWeighted, readWeights } from '../optimise/rewardWeights.ts';
import { rowNorms } from '../optimise/rowNorms.ts';
import { disposeSnapshots, type RowResult } from '../optimise/rowState.ts';
import { sgd } from '../optimise/sgd.ts';
import { optimiserStepper, type Stepper } from '../optimise/stepper.ts';
import { weightPenalty } from '../optimise/variables.ts';
import {
  add,
  clone,
  concat,
  dispose,
  keep,
  mul,
  reshape,
  slice,
  sub,
  type Tensor,
  type Tensor4D,
  tidy,
} from '../tf.ts';
import { channelsFirst, channelsLast } from './channels.ts';
import type { Family, GoldenFolder } from './family.ts';
import { loadRenoModels, lossOffsets } from './renoModels.ts';

interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}
interface Run {
  readonly iterations: number;
  readonly optimizer: string;
  readonly lr: number;
  readonly nesterov: boolean;
  /** Of the noise's length; null for none. */
  readonly regularization: number | null;
  readonly clip: number;
  readonly weights: Readonly<Record<string, number>>;
}
interface Settings {
  readonly prompt: string;
  /** Names of the rewards, in the reference's order. */
  readonly loss_order: readonly string[];
  readonly runs: Readonly<Record<string, Run>>;
  readonly teacher_forced_tolerance: { readonly loss: Tolerance; readonly gradients: Tolerance };
}

/**
 * ReNO's own loop with its generator and rewards: the trajectory from the first latents on, and, at each of the reference's
 * latents, losses and gradient (teacher-forced), where no error of an earlier step counts.
 */
export const renoTrajectory: Family = async (golden) => {
  const { loss_order: names, runs, prompt } = golden.settings as unknown as Settings;
  const { generator, rewards, dispose: free } = await loadRenoModels(golden, names);
  try {
    for (const [name, run] of Object.entries(runs)) {
      if (!golden.wanted.some((row) => row.name.startsWith(`out.${name}.`))) continue;
      const weighed = rewards.map((reward, i) => ({ ...reward, weight: run.weights[names[i]!] ?? 0 }));
      const work = { golden, name, run, prompt, generator, rewards: weighed };
      await freeRunning(work);
      await teacherForced(work);
    }
  } finally {
    free();
  }
};

interface Work {
  readonly golden: GoldenFolder;
  readonly name: string;
  readonly run: Run;
  readonly prompt: string;
  readonly generator: Generator;
  readonly rewards: readonly Reward[];
}

function createObjective({ generator, rewards, prompt }: Work, latents: Tensor4D) {
  const request: SampleRequest = {
    noise: { latents, seeds: new Array<number>(latents.shape[0]).fill(0) },
    prompts: [prompt],
    negativePrompt: '',
    settings: { ...generator.defaults, scheduler: 'model', steps: 1, guidanceScale: 1 },
    conditions: [],
  };
  return noiseObjective({ generator, request, rewards, watched: [] }, 'exact');
}

const createPenalty = ({ regularization }: Run) =>
  regularization === null ? undefined : weightPenalty(regularization, noiseNorm);

function createOptimiser({ optimizer, lr: learningRate, nesterov }: Run) {
  if (optimizer === 'adam') return adam({ learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-2 });
  if (optimizer === 'sgd') return sgd({ learningRate, momentum: 0.9, nesterov });
  throw new UserError('BAD_CONFIG', `case.json names the optimizer "${optimizer}"; known are sgd and adam.`);
}

/** The optimisation as the product runs it, with all latents and gradients on the way. */
async function freeRunning(work: Work): Promise<void> {
  const { golden, run } = work;
  const latents: Tensor4D[] = [];
  const gradients: Tensor4D[] = [];
  const start = channelsLast(golden.input('in.initial_latents'));
  const { evaluate, ...objective } = createObjective(work, start);
  const inner = optimiserStepper(createOptimiser(run), run.clip);
  const stepper: Stepper = {
    next(x, losses, gradient) {
      gradients.push(clone(gradient as Tensor4D));
      return inner.next(x, losses, gradient);
    },
    dispose: inner.dispose,
  };
  const evaluateAndKeep = (x: Tensor) => {
    latents.push(keep(clone(x as Tensor4D)));
    return evaluate(x);
  };
  const penalty = createPenalty(run);
  const settings = {
    evaluations: run.iterations,
    stepper,
    watch: { patience: 1, stop: false },
    ...(penalty && { penalty }),
  };
  let rows: RowResult[] = [];
  try {
    rows = await maximise({ ...objective, evaluate: evaluateAndKeep }, settings, async () => {});
    await handOver(work, rows[0]!, latents, gradients);
  } finally {
    disposeSnapshots(rows);
    stepper.dispose();
    dispose([start, ...latents, ...gradients]);
  }
}

async function handOver(
  { golden, name, rewards }: Work,
  { first, best, trace }: RowResult,
  latents: Tensor4D[],
  gradients: Tensor4D[],
): Promise<void> {
  const wants = (output: string) => golden.wanted.some((row) => row.name === `out.${name}.${output}`);
  const put = (output: string, value: Tensor | readonly number[]) => {
    if (wants(output)) golden.output(`out.${name}.${output}`, value);
    else if (!Array.isArray(value)) dispose(value as Tensor);
  };
  const losses = trace.map(([, ...scores]) => rewards.map((reward, i) => lossOffsets[reward.name]! - scores[i]!));
  for (const [i, reward] of rewards.entries())
    put(
      `loss.${reward.name}`,
      losses.map((row) => row[i]!),
    );
  put(
    'total',
    losses.map((row) => addWeighted(row, readWeights(rewards))),
  );
  put(
    'latent_norm',
    trace.map((row) => row.at(-1)!),
  );
  put(
    'latents',
    tidy(() => channelsFirst(concat(latents, 0))),
  );
  put(
    'gradients',
    tidy(() => channelsFirst(concat(gradients, 0))),
  );
  put(
    'gradient_norm',
    tidy(() => reshape(rowNorms(concat(gradients, 0)), [-1])),
  );
  put('best_iteration', [best.evaluation]);
  put('first_image', channelsFirst(first.pixels));
  put('best_image', channelsFirst(best.pixels));
  put('best_image_uint8', Array.from(toBytes((await best.pixels.data()) as Float32Array)));
}

/** Losses and gradients at the reference's latents, all at once: the rows of a batch are independent. */
async function teacherForced(work: Work): Promise<void> {
  const { golden, name, run, rewards } = work;
  const { loss: lossTolerance, gradients: gradientTolerance } = (golden.settings as unknown as Settings)
    .teacher_forced_tolerance;
  const title = 'teacher-forced';
  const latents = channelsLast(await golden.reference(`out.${name}.latents`));
  const { start, evaluate } = createObjective(work, latents);
  const { pixels, scores, gradient } = evaluateWithGradient(start, evaluate, readWeights(rewards));
  try {
    for (const [i, reward] of rewards.entries())
      golden.output(
        `out.${name}.loss.${reward.name}`,
        tidy(() => sub(lossOffsets[reward.name]!, scores[i]!)),
        { title, ...lossTolerance },
      );
    const added = await createPenalty(run)?.(latents);
    const total = tidy(() => {
      const whole: Tensor = added ? add(gradient, added.gradient) : mul(gradient, 1);
      return channelsFirst(slice(whole, [0, 0, 0, 0], [run.iterations - 1, -1, -1, -1]));
    });
    if (added) dispose([added.penalty, added.gradient]);
    golden.output(`out.${name}.gradients`, total, { title, ...gradientTolerance });
  } finally {
    dispose([latents, pixels, ...scores, gradient]);
  }
}
