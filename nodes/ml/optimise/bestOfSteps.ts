import type { Noise, SampleStep } from '../../ports.ts';
import { copiesStayEqual } from '../diffusion/denoise.ts';
import { denoiseRows } from '../diffusion/denoiseRows.ts';
import { refuseOddConditions, sliceRequest } from '../diffusion/sampleImages.ts';
import { copySeed } from '../noiseStream.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { concat, dispose, type Tensor4D } from '../tf.ts';
import type { CandidateSource } from './drawCandidates.ts';
import { describeBroken, type Judged, joinScores, judgeLatents, rewardUnit } from './judgeLatents.ts';
import { listSpent, type Spent } from './lookTrace.ts';
import { drawRows, sharesOf } from './particles.ts';

export interface StepSettings {
  /** Candidates for the next latents of each image. */
  readonly k: number;
  /** Steps that are taken as they are, and the last one, counted from 1, that has candidates. */
  readonly startStep: number;
  readonly endStep: number;
  /** T, for rewards in units of `rewardUnit`; 0 takes the best. */
  readonly temperature: number;
  /** Rows drawn, decoded and scored at once. */
  readonly batch: number;
}

export interface SteppedImages {
  /** The caller owns the pixels. */
  readonly judged: Judged;
  /** values[image][step]: total of the chosen candidate, `stepFigures` and what was spent. */
  readonly rows: readonly (readonly (readonly number[])[])[];
  readonly remarks: readonly string[];
}

/** What a row of the trace has after the total. */
export const stepFigures = ['mean of candidates', 'chosen', 'rank', 'step'] as const;

/** An image on its way. */
interface Run {
  readonly random: RandomStream;
  readonly rows: number[][];
}

/**
 * In each step draws k candidates for the next latents of an image; the model's answer to each is an estimate of the image, by
 * whose reward one goes on: the best, or candidate i with a share of e^(r_i / T). The model's answers serve twice: they judge, and
 * the one of the chosen candidate is the next step. `report` is awaited after each step; where it rejects, everything is freed.
 * Throws UserError `BAD_PARAM` for a scheduler without noise, `NOT_FINITE` where an image has no candidate left, `ROWS_DIFFER`
 * where condition images do not fit.
 * Source: arXiv 2406.04314 (SPO), section 3.2, with the best in place of any; arXiv 2408.08252 (SVDD), algorithm 1
 */
export async function drawBestOfSteps(
  source: CandidateSource,
  noise: Noise,
  settings: StepSettings,
  report: (step: SampleStep, done: number, images: number) => Promise<void>,
): Promise<SteppedImages> {
  refuseOddConditions({ ...source.request, noise });
  const spent: Spent = { modelCalls: 0, decodes: 0, rewardCalls: 0 };
  const remarks: string[] = [];
  const runs = noise.seeds.map((seed): Run => ({ random: randomStream(copySeed(seed, 0, settings.k)), rows: [] }));
  const parts: Judged[] = [];
  const together = Math.max(1, Math.floor(settings.batch / settings.k));
  try {
    for (let start = 0; start < runs.length; start += together) {
      const images = Math.min(together, runs.length - start);
      const { request, tensors } = sliceRequest({ ...source.request, noise }, start, images);
      const own = { ...source, request };
      const state = { runs: runs.slice(start, start + images), remarks, spent };
      try {
        const groups = { of: Array.from({ length: images }, (_, i) => i) };
        const clean = await denoiseRows(source.generator, request, async (step) => {
          spent.modelCalls += groups.of.length;
          const chosen = await chooseRows(state, own, settings, step, groups);
          await report(step, start, images);
          return chosen;
        });
        try {
          parts.push(await judgeLatents(own, clean, { batch: settings.batch, watch: true }, spent));
        } finally {
          clean.dispose();
        }
      } finally {
        dispose(tensors);
      }
    }
    const pixels: Tensor4D = concat(
      parts.map((part) => part.pixels),
      0,
    );
    const judged = { pixels, ...joinScores(parts) };
    return { judged, rows: runs.map(({ rows }) => rows), remarks };
  } finally {
    for (const { pixels } of parts) pixels.dispose();
  }
}

interface State {
  readonly runs: readonly Run[];
  readonly remarks: string[];
  readonly spent: Spent;
}

/** Which rows go on after a step: one of the candidates of each image, k times where the next step is to have candidates. */
async function chooseRows(
  state: State,
  source: CandidateSource,
  settings: StepSettings,
  { step, steps, estimate, copiesPart }: SampleStep,
  groups: { of: number[] },
): Promise<readonly number[] | undefined> {
  const { k, startStep, endStep, batch } = settings;
  const images = state.runs.length;
  const isDivided = groups.of.length > images;
  let parents = groups.of.map((_, row) => row);
  if (isDivided) {
    const judged = await judgeLatents(source, estimate, { batch, watch: false }, state.spent);
    judged.pixels.dispose();
    parents = state.runs.map((run, image) => choose(state, source, settings, judged, groups.of, image, run, step));
  }
  const divides = k > 1 && step > startStep && step <= endStep && step < steps;
  if (divides && !copiesPart) throw copiesStayEqual();
  if (!isDivided && !divides) return undefined;
  const times = divides ? k : 1;
  groups.of = parents.flatMap((_, image) => new Array<number>(times).fill(image));
  return parents.flatMap((row) => new Array<number>(times).fill(row));
}

/** The row of the candidate of an image that goes on. */
function choose(
  { remarks, spent }: State,
  source: CandidateSource,
  { temperature }: StepSettings,
  { scores, totals }: Judged,
  of: readonly number[],
  image: number,
  run: Run,
  step: number,
): number {
  const rows = of.flatMap((own, row) => (own === image ? [row] : []));
  const own = { scores: rows.map((row) => scores[row]!), totals: rows.map((row) => totals[row]!) };
  const broken = describeBroken(source, own, step, 'candidates of an image');
  if (broken) remarks.push(broken);
  const known = own.totals.map((total) => (Number.isFinite(total) ? total : Number.NEGATIVE_INFINITY));
  const unit = rewardUnit(source.rewards);
  const best = known.indexOf(Math.max(...known));
  const shares = temperature > 0 ? sharesOf(known.map((total) => total / unit / temperature)) : undefined;
  const chosen = shares ? drawRows(shares, [run.random.uniform()])[0]! : best;
  const finite = known.filter(Number.isFinite);
  const mean = finite.reduce((sum, total) => sum + total, 0) / finite.length;
  const rank = 1 + known.filter((total) => total > known[chosen]!).length;
  run.rows.push([known[chosen]!, mean, chosen + 1, rank, step, ...listSpent(spent)]);
  return rows[chosen]!;
}
