import { UserError } from '../../errors.ts';
import type { TraceColumn } from '../../ports.ts';
import { concat, type Tensor4D, tensor4d } from '../tf.ts';
import {
  type Candidate,
  type CandidateSource,
  copyCandidate,
  disposeCandidate,
  drawCandidates,
  findBrokenScore,
  keepBest,
} from './drawCandidates.ts';
import type { Ask, NoiseSearch, Query } from './noiseSearch.ts';
import { describeHacking, findRewardHacking, hackingTolerance } from './rewardHacking.ts';
import { addWeighted, readWeights } from './rewardWeights.ts';
import type { WatchSettings } from './rowState.ts';

interface SearchSettings {
  /** Latents of one image. */
  readonly shape: readonly [h: number, w: number, c: number];
  /** How many images are drawn at once, and how many of the best are kept. */
  readonly batch: number;
  readonly keep: number;
  /** Its patience counts rounds. */
  readonly watch: WatchSettings;
}

/** What a search has found so far. */
export interface Searched {
  /** Best first. The search owns the tensors until it ends, then the caller does. */
  readonly best: readonly Candidate[];
  readonly columns: readonly TraceColumn[];
  /** A row a round: total, scores and watched scores, each the mean of its images; then the measures. */
  readonly rows: readonly (readonly number[])[];
  /** The round, from 0, that the best image is of. */
  readonly kept: number;
  readonly remarks: readonly string[];
  readonly hacks: boolean;
}

interface State {
  best: Candidate[];
  columns: TraceColumn[];
  readonly rows: number[][];
  kept: number;
  readonly remarks: string[];
  /** What was best when the watched total was highest. */
  trusted: { readonly best: Candidate[]; readonly kept: number };
  images: number;
  hacks: boolean;
}

/**
 * Runs a search that needs no gradient to its end: draws what it asks for, scores it, tells it the totals, and keeps the best
 * of all images. A score that is not finite or, if asked to, reward hacking ends it early: the best so far is kept and a
 * remark says so. `report` is awaited after each round and `onStep` after each step of denoising; where either rejects, every tensor
 * is freed. Throws UserError `NOT_FINITE` in the first round.
 */
export async function searchNoise(
  source: CandidateSource,
  search: NoiseSearch,
  settings: SearchSettings,
  report: (found: Searched) => Promise<void>,
  onStep: () => Promise<void>,
): Promise<Searched> {
  const state: State = {
    best: [],
    columns: [],
    rows: [],
    kept: 0,
    remarks: [],
    trusted: { best: [], kept: 0 },
    images: 0,
    hacks: false,
  };
  try {
    for (let ask = search.next([]); !ask.done; ) {
      const drawn = await drawQueries(source, ask.value.queries, settings, onStep);
      const totals = drawn.map(({ total }) => total);
      if (!recordRound(state, drawn, ask.value, source, settings)) break;
      await report(state);
      ask = search.next(totals);
    }
    return state;
  } catch (error) {
    state.best.forEach(disposeCandidate);
    throw error;
  } finally {
    state.trusted.best.forEach(disposeCandidate);
  }
}

/** The candidates of some queries, in their order. The caller owns them. */
async function drawQueries(
  source: CandidateSource,
  queries: readonly Query[],
  { shape, batch }: SearchSettings,
  onStep: () => Promise<void>,
): Promise<Candidate[]> {
  const drawn: Candidate[] = [];
  try {
    for (let start = 0; start < queries.length; start += batch) {
      const part = queries.slice(start, start + batch);
      const latents = stackLatents(part, shape);
      try {
        drawn.push(...(await drawCandidates(source, { latents, seeds: part.map(({ seed }) => seed) }, onStep)));
      } finally {
        latents.dispose();
      }
    }
    return drawn;
  } catch (error) {
    drawn.forEach(disposeCandidate);
    throw error;
  }
}

function stackLatents(queries: readonly Query[], [h, w, c]: SearchSettings['shape']): Tensor4D {
  const rows = queries.map(({ noise }) => tensor4d(noise, [1, h, w, c]));
  const latents: Tensor4D = concat(rows, 0);
  for (const row of rows) row.dispose();
  return latents;
}

/** Records the scores of a round and takes over its candidates. False where the search is to end. */
function recordRound(
  state: State,
  drawn: readonly Candidate[],
  { measures, remark }: Ask,
  source: CandidateSource,
  { keep, watch }: SearchSettings,
): boolean {
  const broken = drawn.map((each) => findBrokenScore(each, source)).find((each) => each !== undefined);
  if (broken) {
    drawn.forEach(disposeCandidate);
    state.remarks.push(describeBroken(broken, state));
    return false;
  }
  if (remark !== undefined && !state.remarks.includes(remark)) state.remarks.push(remark);
  state.images += drawn.length;
  state.columns = listColumns(source, measures);
  const means = averageCandidates(drawn);
  const before = state.best[0]?.total ?? Number.NEGATIVE_INFINITY;
  keepBest(state.best, drawn, keep);
  if (state.best[0]!.total > before) state.kept = state.rows.length;
  state.rows.push([...means, state.best[0]!.total, state.images, ...Object.values(measures)]);
  return source.watched.length === 0 || recordWatched(state, source, watch);
}

/** Sentence on a score that is not finite. Throws UserError `NOT_FINITE` where nothing was found before. */
function describeBroken({ name, score }: { name: string; score: number }, { rows, kept }: State): string {
  const what = `the reward "${name}" gave ${score}`;
  if (rows.length > 0)
    return `The search stopped in round ${rows.length + 1}, because ${what}; its best so far is kept, of round ${kept + 1}.`;
  throw new UserError('NOT_FINITE', `The search cannot begin: ${what} in the first round already.`);
}

/** Says once that the rewards are hacked. False where the search is to end for that, with what was best before. */
function recordWatched(state: State, { rewards, watched }: CandidateSource, settings: WatchSettings): boolean {
  const weights = readWeights(watched);
  const from = 1 + rewards.length;
  const totals = state.rows.map((row) => addWeighted(row.slice(from, from + watched.length), weights));
  if (totals.slice(0, -1).every((total) => total < totals.at(-1)!)) {
    state.trusted.best.forEach(disposeCandidate);
    state.trusted = { best: state.best.map(copyCandidate), kept: state.kept };
  }
  const tolerance = hackingTolerance(watched, weights);
  const optimised = state.rows.map(([total]) => total!);
  const hacking = findRewardHacking(optimised, totals, { patience: settings.patience, tolerance });
  if (!hacking || state.hacks) return true;
  state.hacks = true;
  state.remarks.push(describeHacking(hacking, watched.map(({ name }) => name).join(', '), 'The search'));
  if (!settings.stop) return true;
  state.best.forEach(disposeCandidate);
  state.best = state.trusted.best;
  state.kept = state.trusted.kept;
  state.trusted = { best: [], kept: 0 };
  state.remarks.push(`The search stopped there; what was best before is kept, of round ${state.kept + 1}.`);
  return false;
}

function listColumns({ rewards, watched }: CandidateSource, measures: Ask['measures']): TraceColumn[] {
  const measured = ['best total', 'images', ...Object.keys(measures)];
  return [
    { name: 'total', role: 'total' },
    ...rewards.map(({ name }) => ({ name, role: 'reward' as const })),
    ...watched.map(({ name }) => ({ name, role: 'watched' as const })),
    ...measured.map((name) => ({ name, role: 'measure' as const })),
  ];
}

/** Total, scores and watched scores, each the mean over candidates. */
function averageCandidates(drawn: readonly Candidate[]): number[] {
  const rows = drawn.map(({ total, scores, watched }) => [total, ...scores, ...watched]);
  return rows[0]!.map((_, k) => rows.reduce((sum, row) => sum + row[k]!, 0) / rows.length);
}
