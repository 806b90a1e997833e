import { UserError } from '../../errors.ts';
import type { Denoising, SampleStep } from '../../ports.ts';
import { refuseOddConditions } from '../diffusion/sampleImages.ts';
import { latentNoise } from '../random.ts';
import { concat, dispose, gather, type Tensor4D } from '../tf.ts';
import { type ClearView, isClear, viewImages } from './clearView.ts';
import type { CandidateSource } from './drawCandidates.ts';
import { finishInSteps } from './finishInSteps.ts';
import { describeBroken, type Judged, joinScores, judgeLatents, scorePixels } from './judgeLatents.ts';
import { listSpent, type Spent, summarise } from './lookTrace.ts';

export interface PruneSettings {
  /** Candidate i is the image of seed + i. */
  readonly seed: number;
  readonly candidates: number;
  /** Share of those judged in a step that goes on, in (0, 1]; never fewer than one. */
  readonly keepShare: number;
  /** How often a candidate is judged at most: once it is clear, then half way from there to the end each time. */
  readonly judgements: number;
  /** Share of the run before which no estimate counts as clear. */
  readonly clearAt: number;
  /** Total below which a candidate does not go on; -Infinity for none. */
  readonly minimum: number;
  /** Steps in which the run of a candidate is finished to judge it; 0 judges its estimate. */
  readonly hindsightSteps: number;
  /** Images drawn, decoded and scored at once. */
  readonly batch: number;
}

/** A candidate that did not go on. It owns its image as it was judged, [1, H, W, 3] in [0, 1]. */
export interface Dropped {
  readonly seed: number;
  readonly step: number;
  readonly total: number;
  readonly scores: readonly number[];
  readonly pixels: Tensor4D;
}

export interface Pruned {
  /** The final images of those that were left, their clean latents [M, h, w, c] and their seeds. The caller owns the tensors. */
  readonly judged: Judged;
  readonly latents: Tensor4D;
  readonly seeds: readonly number[];
  /** In the order in which they were dropped; the caller owns their tensors. */
  readonly dropped: readonly Dropped[];
  /** A row a judgement: `summarise`, then `pruneFigures`. */
  readonly rows: readonly (readonly number[])[];
  readonly remarks: readonly string[];
  readonly spent: Spent;
  /** Calls of the model that all candidates without judgement would have taken. */
  readonly callsOfAll: number;
}

/** What a row of the trace has besides `summarise` and what was spent. */
export const pruneFigures = ['step', 'judged', 'alive', 'threshold'] as const;

interface Row {
  /** Place in its lane at the start. */
  readonly origin: number;
  readonly seed: number;
  judged: number;
  /** The step of its next judgement, once it was clear. */
  due: number | undefined;
  view: ClearView | undefined;
}

/** Candidates that are denoised together. */
interface Lane {
  readonly steps: Denoising;
  readonly noise: Tensor4D;
  rows: Row[];
  chosen: readonly number[] | undefined;
  clean: Tensor4D | undefined;
}

interface State {
  readonly lanes: Lane[];
  readonly dropped: Dropped[];
  readonly rows: number[][];
  readonly remarks: string[];
  readonly spent: Spent;
}

/**
 * Draws candidates side by side and drops, once their estimates are clear, those that promise least: potential assessment of
 * the images that a step would end in, then the best by their final rewards. Dropped rows leave the batch. `report` is awaited
 * after each step; where it rejects, everything is freed. Throws UserError `NOT_FINITE` where no candidate has a reward.
 * Source: arXiv 2501.13926 (PARM), section 3; judged in a few steps: arXiv 2501.08617 (RLHS). Clear is that two estimates in a
 * row look alike, see `isClear`; a share goes on in place of a network's yes.
 */
export async function pruneCandidates(
  source: CandidateSource,
  settings: PruneSettings,
  shape: readonly [h: number, w: number, c: number],
  report: (step: Pick<SampleStep, 'step' | 'steps'>, alive: number, judged?: Tensor4D) => Promise<void>,
): Promise<Pruned> {
  const spent: Spent = { modelCalls: 0, decodes: 0, rewardCalls: 0 };
  const state: State = { lanes: [], dropped: [], rows: [], remarks: [], spent };
  try {
    openLanes(state, source, settings, shape);
    let steps = 0;
    for (;;) {
      const now = new Map<Lane, SampleStep>();
      for (const lane of state.lanes) {
        const next = lane.steps.next(lane.chosen);
        lane.chosen = undefined;
        if (next.done) lane.clean = next.value;
        else {
          now.set(lane, next.value);
          spent.modelCalls += lane.rows.length;
          steps = next.value.steps;
          await report(next.value, countAlive(state));
        }
      }
      if (now.size === 0) break;
      const [{ step }] = [...now.values()] as [SampleStep];
      if (step < steps)
        await judgeStep(state, source, settings, now, (judged) => report({ step, steps }, countAlive(state), judged));
    }
    return await finish(state, source, settings, steps);
  } catch (error) {
    for (const { pixels } of state.dropped) pixels.dispose();
    throw error;
  } finally {
    for (const lane of state.lanes) closeLane(lane);
  }
}

function openLanes(
  state: State,
  source: CandidateSource,
  settings: PruneSettings,
  shape: readonly [number, number, number],
): void {
  const { generator, request } = source;
  for (let start = 0; start < settings.candidates; start += settings.batch) {
    const count = Math.min(settings.batch, settings.candidates - start);
    const seeds = Array.from({ length: count }, (_, i) => (settings.seed + start + i) % 2 ** 53);
    const noise = latentNoise(seeds, shape);
    const asked = { ...request, noise: { latents: noise, seeds }, choosesRows: true };
    const rows = seeds.map((seed, origin): Row => ({ origin, seed, judged: 0, due: undefined, view: undefined }));
    state.lanes.push({ steps: generator.denoise(asked), noise, rows, chosen: undefined, clean: undefined });
    refuseOddConditions(asked);
  }
}

function closeLane({ steps, noise, clean }: Lane): void {
  steps.return(undefined as never); // frees what it holds, if it is not done
  dispose(clean ? [noise, clean] : [noise]);
}

const countAlive = ({ lanes }: State): number => lanes.reduce((sum, { rows }) => sum + rows.length, 0);

/** One candidate as it was judged in a step. It owns its image. */
interface Verdict {
  readonly lane: Lane;
  readonly row: Row;
  readonly total: number;
  readonly scores: readonly number[];
  readonly pixels: Tensor4D;
}

/** Judges those that are due in a step, and drops the worst of them. */
async function judgeStep(
  state: State,
  source: CandidateSource,
  settings: PruneSettings,
  now: ReadonlyMap<Lane, SampleStep>,
  report: (judged: Tensor4D) => Promise<void>,
): Promise<void> {
  const verdicts: Verdict[] = [];
  try {
    for (const [lane, step] of now) verdicts.push(...(await judgeLane(state, source, settings, lane, step)));
    if (verdicts.length === 0) return;
    const { step, steps } = [...now.values()][0]!;
    const kept = decide(state, source, settings, verdicts, step);
    for (const { row } of kept) {
      row.judged += 1;
      const half = Math.ceil((step + steps) / 2);
      row.due = row.judged < settings.judgements && half > step && half < steps ? half : Number.POSITIVE_INFINITY;
    }
    const shown: Tensor4D = concat(
      verdicts.map(({ pixels }) => pixels),
      0,
    );
    try {
      await report(shown);
    } finally {
      shown.dispose();
    }
  } finally {
    const out = new Set(state.dropped.map(({ pixels }) => pixels));
    for (const { pixels } of verdicts) if (!out.has(pixels)) pixels.dispose();
  }
}

/** Looks at the candidates of a lane that are not clear yet or that are due, and scores those that are due. */
async function judgeLane(
  { spent }: State,
  source: CandidateSource,
  { clearAt, hindsightSteps }: PruneSettings,
  lane: Lane,
  now: SampleStep,
): Promise<Verdict[]> {
  const { step, steps, estimate } = now;
  const from = Math.max(1, Math.ceil(clearAt * steps));
  const seen = lane.rows.flatMap((row, i) =>
    (row.due === undefined ? step >= from - 1 : row.due === step) ? [i] : [],
  );
  if (seen.length === 0) return [];
  let pixels = decodeRows(source, estimate, seen);
  try {
    spent.decodes += seen.length;
    const views = await viewImages(pixels);
    const due = seen.filter((i, k) => {
      const row = lane.rows[i]!;
      const before = row.view;
      row.view = views[k];
      return row.due === step || (step >= from && before !== undefined && isClear(before, views[k]!));
    });
    if (due.length === 0) return [];
    const own =
      hindsightSteps > 0
        ? await inHindsight(source, lane, now, due, hindsightSteps, spent)
        : pickRows(
            pixels,
            due.map((i) => seen.indexOf(i)),
          );
    pixels.dispose();
    pixels = own;
    const { scores, totals } = await scorePixels(source, pixels, spent);
    return due.map((i, k) => ({
      lane,
      row: lane.rows[i]!,
      total: totals[k]!,
      scores: scores[k]!,
      pixels: pickRows(pixels, [k]),
    }));
  } finally {
    pixels.dispose();
  }
}

const pickRows = (x: Tensor4D, rows: readonly number[]): Tensor4D => gather(x, [...rows]);

function decodeRows({ generator }: CandidateSource, latents: Tensor4D, rows: readonly number[]): Tensor4D {
  const own = pickRows(latents, rows);
  try {
    return generator.decode(own);
  } finally {
    own.dispose();
  }
}

/** The images of some rows of a lane, their runs finished in a few steps. */
async function inHindsight(
  source: CandidateSource,
  lane: Lane,
  now: SampleStep,
  due: readonly number[],
  steps: number,
  spent: Spent,
): Promise<Tensor4D> {
  const rows = due.map((i) => ({ row: i, origin: lane.rows[i]!.origin, seed: lane.rows[i]!.seed }));
  const clean = await finishInSteps(source, now, rows, steps);
  try {
    spent.modelCalls += due.length * steps;
    spent.decodes += due.length;
    return source.generator.decode(clean);
  } finally {
    clean.dispose();
  }
}

/** Those that go on; the others are dropped and leave their lanes. Throws UserError `NOT_FINITE` where none is left. */
function decide(
  state: State,
  source: CandidateSource,
  { keepShare, minimum }: PruneSettings,
  verdicts: readonly Verdict[],
  step: number,
): readonly Verdict[] {
  const judged = { scores: verdicts.map(({ scores }) => scores), totals: verdicts.map(({ total }) => total) };
  const others = countAlive(state) - verdicts.length;
  const broken = describeBroken(source, judged, step, 'candidates', others === 0);
  if (broken) state.remarks.push(broken);
  const ranked = verdicts.filter(({ total }) => Number.isFinite(total)).sort((a, b) => b.total - a.total);
  const most = Math.max(1, Math.ceil(keepShare * verdicts.length));
  const good = ranked.slice(0, most).filter(({ total }) => total >= minimum);
  const isRescued = good.length === 0 && others === 0;
  if (isRescued)
    state.remarks.push(`In step ${step} all candidates were below ${minimum}, and the best of them went on.`);
  const kept = isRescued ? ranked.slice(0, 1) : good;
  for (const { row, total, scores, pixels } of verdicts.filter((each) => !kept.includes(each)))
    state.dropped.push({ seed: row.seed, step, total, scores, pixels });
  const out = new Set(state.dropped.map(({ seed }) => seed));
  for (const lane of [...state.lanes]) {
    const left = lane.rows.flatMap((row, i) => (out.has(row.seed) ? [] : [i]));
    if (left.length === lane.rows.length) continue;
    lane.chosen = left;
    lane.rows = left.map((i) => lane.rows[i]!);
    if (left.length > 0) continue;
    closeLane(lane);
    state.lanes.splice(state.lanes.indexOf(lane), 1);
  }
  const threshold = kept.at(-1)?.total ?? Number.NaN;
  if (ranked.length > 0)
    state.rows.push([
      ...summarise(judged),
      step,
      verdicts.length,
      countAlive(state),
      threshold,
      ...listSpent(state.spent),
    ]);
  return kept;
}

/** Scores the final images of all lanes. */
async function finish(state: State, source: CandidateSource, settings: PruneSettings, steps: number): Promise<Pruned> {
  const { lanes, dropped, rows, remarks, spent } = state;
  if (lanes.length === 0) throw new UserError('NOT_FINITE', 'No candidate is left: the rewards gave no finite number.');
  const parts: Judged[] = [];
  try {
    for (const { clean } of lanes)
      parts.push(await judgeLatents(source, clean!, { batch: settings.batch, watch: true }, spent));
    const figures = joinScores(parts);
    const broken = describeBroken(source, figures, steps, 'candidates');
    if (broken) remarks.push(broken);
    const alive = figures.totals.length;
    rows.push([
      ...summarise(figures),
      steps,
      alive,
      alive,
      Math.min(...figures.totals.filter(Number.isFinite)),
      ...listSpent(spent),
    ]);
    const pixels: Tensor4D = concat(
      parts.map((part) => part.pixels),
      0,
    );
    const latents: Tensor4D = concat(
      lanes.map(({ clean }) => clean!),
      0,
    );
    const seeds = lanes.flatMap((lane) => lane.rows.map(({ seed }) => seed));
    const callsOfAll = settings.candidates * steps;
    return { judged: { ...figures, pixels }, latents, seeds, dropped, rows, remarks, spent, callsOfAll };
  } finally {
    for (const { pixels } of parts) pixels.dispose();
  }
}
