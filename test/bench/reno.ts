import { keepActivationsWithin } from '../../nodes/ml/nn/recompute.ts';
import { evaluateWithGradient } from '../../nodes/ml/optimise/evaluate.ts';
import { maximiseBatches } from '../../nodes/ml/optimise/maximiseBatches.ts';
import { noiseObjective } from '../../nodes/ml/optimise/objective.ts';
import { disposeSnapshots } from '../../nodes/ml/optimise/rowState.ts';
import { sgd } from '../../nodes/ml/optimise/sgd.ts';
import { optimiserStepper } from '../../nodes/ml/optimise/stepper.ts';
import { dispose } from '../../nodes/ml/tf.ts';
import type { Generator, Reward, SampleRequest } from '../../nodes/ports.ts';
import { compare } from './speed/against.ts';
import {
  measure,
  median,
  printFigures,
  printJson,
  printOperations,
  printTable,
  secondsOfProduct,
  type Work,
} from './speed/figures.ts';
import { withSubject } from './speed/subject.ts';

/*
 * What one iteration of ReNO takes (one image of one step, judged by a CLIP, its gradient back to the noise, a step of
 * SGD), whole and split, with activations recomputed in the backward pass and with activations kept. Prints tables,
 * then the same as JSON.
 *
 *   npm run bench -- reno [--model FOLDER] [--reward FOLDER] [--device NAME] [--rounds N] [--ops] [--against CMD]
 *
 * For `--against` an iteration is the same; the faster of the two ways is compared.
 */

const parts = ['generator', 'decoder', 'reward', 'backward', 'update'] as const;
type Split = Record<(typeof parts)[number] | 'iteration', number>;

interface RenoRun {
  readonly generator: Generator;
  readonly reward: Reward;
  readonly request: SampleRequest;
  readonly room: number;
}

/** Seconds of each iteration after the first, and of its parts; what lies between forward and step is the backward pass. */
async function timeReno({ generator, reward, request, room }: RenoRun, iterations: number): Promise<Split[]> {
  const splits: Split[] = [];
  let marks: [part: (typeof parts)[number], at: number][] = [];
  const mark = (part: (typeof parts)[number]) => marks.push([part, performance.now()]);
  const marked: Generator = {
    ...generator,
    *denoise(asked) {
      const latents = yield* generator.denoise(asked);
      mark('generator');
      return latents;
    },
    decode(latents) {
      const pixels = generator.decode(latents);
      mark('decoder');
      return pixels;
    },
  };
  const judge: Reward = {
    ...reward,
    score(pixels, prompts) {
      const scores = reward.score(pixels, prompts);
      mark('reward');
      return scores;
    },
  };
  let start = performance.now();
  const objectiveParts = { generator: marked, request, rewards: [judge], watched: [] };
  const settings = {
    evaluations: iterations + 2, // the first warms up, the last has no gradient
    batch: 1,
    room,
    regularisation: 0.01,
    variable: 'noise',
    projectRadius: false,
    gradient: 'exact',
    watch: { patience: 10, stop: false },
    createStepper() {
      const stepper = optimiserStepper(sgd({ learningRate: 5, momentum: 0.9, nesterov: true }), 0.1);
      return {
        ...stepper,
        next(...point: Parameters<typeof stepper.next>) {
          mark('backward');
          return stepper.next(...point);
        },
      };
    },
  } as const;
  const rows = await maximiseBatches(objectiveParts, settings, async () => {
    mark('update');
    let before = start;
    const split = { iteration: (performance.now() - start) / 1000 } as Split;
    for (const [part, at] of marks) {
      split[part] = (at - before) / 1000;
      before = at;
    }
    splits.push(split);
    marks = [];
    start = performance.now();
  });
  disposeSnapshots(rows);
  return splits.slice(1, -1);
}

/** Bytes that activations may take, see `keepActivationsWithin`. */
const ways = { recomputed: 0, kept: 2 ** 40 };

await withSubject(async (subject) => {
  const runs: Record<string, (iterations: number) => Promise<Split[]>> = {};
  const evaluations: Record<string, Work> = {};
  const generator = await subject.loadGenerator();
  const { reward } = await subject.loadReward();
  const asked = subject.request(generator, 1);
  const request = { ...asked, settings: { ...asked.settings, steps: 1 } };
  const { evaluate } = noiseObjective({ generator, request, rewards: [reward], watched: [] }, 'exact');
  for (const [way, room] of Object.entries(ways)) {
    runs[way] = (iterations) => timeReno({ generator, reward, request, room }, iterations);
    evaluations[`${way}: image and gradient`] = () => {
      const { pixels, scores, gradient } = keepActivationsWithin(room, () =>
        evaluateWithGradient(request.noise.latents, evaluate, [1]),
      );
      dispose([pixels, ...scores]);
      return gradient;
    };
  }
  const figures = await measure(evaluations, subject.rounds);
  printFigures(figures);
  if (subject.ops) printOperations(figures);

  const splits: Record<string, Split[]> = {};
  const products: number[] = [];
  for (let round = 0; round < subject.rounds; round++) {
    products.push(await secondsOfProduct());
    for (const [way, run] of Object.entries(runs)) splits[way] = [...(splits[way] ?? []), ...(await run(2))];
  }
  const medians = Object.entries(splits).map(([way, all]) => ({
    way,
    ...(Object.fromEntries(
      (['iteration', ...parts] as const).map((part) => [part, median(all.map((split) => split[part]))]),
    ) as Split),
  }));
  printTable(
    ['seconds', 'iteration', ...parts],
    medians.map((each) => [each.way, each.iteration, ...parts.map((part) => each[part])]),
  );
  const faster = medians.toSorted((a, b) => a.iteration - b.iteration)[0]!.way;
  const comparison = await compare('reno', subject, async () =>
    median((await runs[faster]!(3)).map(({ iteration }) => iteration)),
  );
  printJson({ bench: 'reno', matMulGflops: 1e-9 / median(products), figures, medians, comparison });
});
