import { defineNode, list, type NodeContext, one, output } from '../defineNode.ts';
import { UserError } from '../errors.ts';
import { remarkOnPrompt } from '../generate/shared/remarkOnPrompt.ts';
import { sampleParams } from '../generate/shared/sampleParams.ts';
import { readLatentShape, sizeParams } from '../generate/shared/sizeParams.ts';
import { labelImage } from '../ml/diffusion/sampleImages.ts';
import { shrinkGrid } from '../ml/image/drawPreview.ts';
import { identify } from '../ml/image/imageIds.ts';
import type { CandidateSource } from '../ml/optimise/drawCandidates.ts';
import { lookColumns, spentColumns } from '../ml/optimise/lookTrace.ts';
import { type Pruned, pruneCandidates, pruneFigures } from '../ml/optimise/pruneCandidates.ts';
import { disposeFinished, type Finished, reflect } from '../ml/optimise/reflect.ts';
import { latentNoise } from '../ml/random.ts';
import { concat, dispose, slice, type Tensor4D } from '../ml/tf.ts';
import { choice, integer, number, seed } from '../params.ts';
import type { Condition, Images } from '../ports.ts';
import { remarkOnRewards } from '../reward/shared/remarkOnRewards.ts';
import { readCandidateSource, searchInputs } from './shared/searchImages.ts';
import { judgedOutputs, rankRows } from './shared/steeredOutputs.ts';

/** No image is ever worse, and none is ever good enough. */
const NONE = -1_000_000;

export const prune = defineNode({
  type: 'optimise/prune',
  version: 1,
  title: 'Prune (PARM)',
  summary:
    'Best of N that does not finish all: candidates are judged on the way, as soon as their images can be told, and those that promise least are dropped, which saves their calls of the model. Where the best is not good enough, it is drawn on with the words that it shows least.',
  source: 'arXiv 2501.13926 (PARM and PARM++), for diffusion; hindsight after arXiv 2501.08617 (RLHS)',
  inputs: {
    ...searchInputs,
    generator: one('generator', { help: 'Only drawn from, no gradient needed; any scheduler.' }),
    watch: { ...searchInputs.watch, help: 'Score the final images, and decide nothing.' },
  },
  params: {
    seed: seed({ initial: 0, help: 'Candidate i is drawn from seed + i.' }),
    candidates: integer({ initial: 8, min: 1, max: 10_000, help: 'N: how many noises are tried.' }),
    keep: integer({
      initial: 1,
      min: 1,
      max: 256,
      help: 'How many of the best images are kept; all, where there are fewer.',
    }),
    keepShare: number({
      initial: 0.5,
      min: 0,
      max: 1,
      step: 0.05,
      help: 'Share of those judged at once that goes on, at least one of them; 1 drops none, which is best of N.',
    }),
    judgements: integer({
      initial: 2,
      min: 1,
      max: 3,
      help: 'How often a candidate is judged at most: once it is clear, then half way from there to the end.',
    }),
    clearAt: number({
      initial: 0.35,
      min: 0,
      max: 1,
      step: 0.05,
      help: 'Share of the steps before which no image counts as clear; after it, one does that looks as in the step before.',
    }),
    minimum: number({
      initial: NONE,
      min: NONE,
      max: -NONE,
      words: { none: NONE },
      help: 'Total below which a candidate is dropped whatever the others have; the best goes on where all are below it.',
    }),
    judge: choice({
      initial: 'estimate',
      options: ['estimate', 'hindsight'],
      help: 'What is judged: the present estimate of the image, or the image in which a quick end of the run would result.',
    }),
    hindsightSteps: integer({
      initial: 2,
      min: 1,
      max: 4,
      unit: 'steps',
      help: 'Of that quick end; each is a call of the model.',
    }),
    reflections: integer({
      initial: 0,
      min: 0,
      max: 3,
      help: 'How often a final image that is not accepted is noised to 0.6 of the run and drawn on, with what it lacks said again.',
    }),
    accept: number({
      initial: -NONE,
      min: NONE,
      max: -NONE,
      words: { never: -NONE },
      help: 'Total from which a final image is accepted as it is; never: all reflections are made.',
    }),
    ...sizeParams,
    ...sampleParams,
  },
  outputs: {
    images: output('images', { help: 'The best images, best first.' }),
    noise: output('noise', { help: 'What they were drawn from, reflections apart.' }),
    scores: output('scores', { help: 'Their scores, by the rewards and the watched ones.' }),
    dropped: list('images', {
      help: 'Those that were dropped, as they were judged, in one batch; an empty list where none was.',
    }),
    trace: output('trace', { help: 'Every judgement: means, the best, how many are alive, and what was spent.' }),
  },
  async run(inputs, params, context) {
    const { generator, prompt } = inputs;
    const { progress, remark } = context;
    remarkOnPrompt(generator, prompt, [params.negativePrompt], remark);
    const shape = readLatentShape(generator, params);
    const source = readCandidateSource(inputs, params, shape, remark);
    remarkOnRewards(source, remark);
    if (params.reflections > 0) refuseBatches(source.request.conditions);
    const settings = {
      ...params,
      minimum: params.minimum === NONE ? Number.NEGATIVE_INFINITY : params.minimum,
      hindsightSteps: params.judge === 'hindsight' ? params.hindsightSteps : 0,
    };
    await progress(0);
    const pruned = await pruneCandidates(source, settings, shape, ({ step, steps }, alive, judged) =>
      progress(
        (0.9 * (step - 1)) / steps,
        `step ${step} of ${steps}, ${alive} of ${params.candidates} alive`,
        judged && (() => shrinkGrid(judged)),
        judged && { alive },
      ),
    );
    try {
      return await finish(pruned, source, params, shape, context);
    } finally {
      dispose([pruned.judged.pixels, pruned.latents, ...pruned.dropped.map(({ pixels }) => pixels)]);
    }
  },
});

/** Throws UserError `ROWS_DIFFER` where a condition is a batch: a reflection draws one image alone. */
function refuseBatches(conditions: readonly Condition[]): void {
  const batches = conditions.flatMap(({ image, map }) => [image.shape[0], map?.shape[0] ?? 1]);
  const rows = batches.find((count) => count !== 1);
  if (rows === undefined) return;
  const message = `The control image or its map is a batch of ${rows} images, and reflections draw one image alone: give one for all, or set reflections to 0.`;
  throw new UserError('ROWS_DIFFER', message, { at: { port: 'conditions' } });
}

/** The best of those that are left, after their reflections. */
async function finish(
  pruned: Pruned,
  source: CandidateSource,
  params: { readonly keep: number; readonly reflections: number; readonly accept: number; readonly batch: number },
  shape: readonly [h: number, w: number, c: number],
  { progress }: NodeContext,
) {
  const { judged, seeds, dropped, rows, spent, callsOfAll } = pruned;
  const remarks = [...pruned.remarks];
  const finished: Finished[] = [];
  const made: Tensor4D[] = [];
  const own = <Made extends Tensor4D>(tensor: Made): Made => {
    made.push(tensor);
    return tensor;
  };
  try {
    for (const row of rankRows(judged).slice(0, params.keep)) {
      const first = takeFinished(pruned, row);
      const rounds = { rounds: params.reflections, accept: params.accept, batch: params.batch };
      finished.push(await reflect(source, first, rounds, spent, remarks, () => progress(0.9, 'drawing on')));
    }
    finished.sort((a, b) => b.judged.totals[0]! - a.judged.totals[0]!);
    const best = {
      pixels: own(
        concat(
          finished.map((each) => each.judged.pixels),
          0,
        ),
      ),
      scores: finished.map((each) => each.judged.scores[0]!),
      watched: finished.map((each) => each.judged.watched[0]!),
      totals: finished.map((each) => each.judged.totals[0]!),
    };
    const kept = finished.map((each) => each.seed);
    const saved = callsOfAll - spent.modelCalls;
    remarks.push(
      `${dropped.length} of ${dropped.length + seeds.length} candidates were dropped on the way: ${spent.modelCalls} calls of the model in place of ${callsOfAll}, ${spent.decodes} images decoded, ${spent.rewardCalls} scored.${saved > 0 ? '' : ' That saved none.'}`,
    );
    const trace = {
      columns: lookColumns(source, [...pruneFigures, ...spentColumns]),
      values: [rows],
      labels: [{ prompt: source.request.prompts[0]! }],
      kept: [rows.length - 1],
      remarks,
    };
    await progress(1, undefined, () => shrinkGrid(best.pixels));
    const outputs = await judgedOutputs(best, [...kept.keys()], kept, source);
    own(outputs.images.pixels);
    const images = await droppedImages(pruned, source);
    made.length = 0;
    best.pixels.dispose();
    return { ...outputs, noise: { latents: latentNoise(kept, shape), seeds: kept }, dropped: images, trace };
  } finally {
    dispose(made);
    finished.forEach(disposeFinished);
  }
}

/** A copy of one of the final images. */
function takeFinished({ judged, latents, seeds }: Pruned, row: number): Finished {
  const take = (x: Tensor4D): Tensor4D => slice(x, [row, 0, 0, 0], [1, -1, -1, -1]);
  const of = <Value>(values: readonly Value[]): Value[] => [values[row]!];
  const own = {
    pixels: take(judged.pixels),
    scores: of(judged.scores),
    watched: of(judged.watched),
    totals: of(judged.totals),
  };
  return { judged: own, latents: take(latents), seed: seeds[row]! };
}

/** Those that were dropped, in one batch. The caller owns it. */
async function droppedImages({ dropped }: Pruned, { generator, request }: CandidateSource): Promise<Images[]> {
  if (dropped.length === 0) return [];
  const labels = dropped.map(({ seed, step }) => ({
    ...labelImage(generator, request, seed, 0),
    name: `dropped in step ${step}`,
  }));
  const pixels: Tensor4D = concat(
    dropped.map((each) => each.pixels),
    0,
  );
  return [await identify(pixels, labels)];
}
