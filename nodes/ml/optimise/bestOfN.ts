import { type Candidate, disposeCandidate, keepBest } from './drawCandidates.ts';

interface BestOfNSettings {
  /** Candidate i has the seed `seed + i`. */
  readonly seed: number;
  /** N */
  readonly candidates: number;
  readonly keep: number;
  /** How many are drawn at once. */
  readonly batch: number;
}

interface BestOfN {
  /** Best first; of equals the one drawn first. The caller owns the tensors. */
  readonly best: readonly Candidate[];
  /** Scores of all candidates, by the rewards and then the watched ones, in the order they were drawn. */
  readonly scores: readonly (readonly number[])[];
  /** Which images these are, see `imageIds`. */
  readonly ids: readonly string[];
}

/**
 * Tries N seeds and keeps the candidates with the largest total. `draw` gives the candidates of some seeds;
 * `report` is awaited after each batch. Where either rejects, every tensor is freed.
 * Source: arXiv 2406.04312, the baseline "best-of-n"; `--imageselect` of its code.
 */
export async function bestOfN(
  { seed, candidates, keep, batch }: BestOfNSettings,
  draw: (seeds: number[]) => Promise<Candidate[]>,
  report: (done: number, best: readonly Candidate[]) => Promise<void>,
): Promise<BestOfN> {
  const scores: (readonly number[])[] = [];
  const ids: string[] = [];
  const best: Candidate[] = [];
  try {
    while (scores.length < candidates) {
      const count = Math.min(batch, candidates - scores.length);
      const seeds = Array.from({ length: count }, (_, i) => (seed + scores.length + i) % 2 ** 53);
      const drawn = await draw(seeds);
      for (const { id, scores: own, watched } of drawn) {
        scores.push([...own, ...watched]);
        ids.push(id);
      }
      keepBest(best, drawn, keep);
      await report(scores.length, best);
    }
    return { best, scores, ids };
  } catch (error) {
    best.forEach(disposeCandidate);
    throw error;
  }
}
