import type { Generator, Noise, SampleRequest, SampleStep } from '../../ports.ts';
import { sampleImages } from '../diffusion/sampleImages.ts';
import { scoreImages } from '../image/scoreImages.ts';
import { wordsOf } from '../text/plainPrompt.ts';
import { clone, dispose, slice, type Tensor4D } from '../tf.ts';
import { addWeighted, readWeights } from './rewardWeights.ts';
import type { RewardSet } from './rowState.ts';

/** One image that was tried. It owns its tensors. */
export interface Candidate {
  /** Which image it is, see `imageIds`. */
  readonly id: string;
  readonly seed: number;
  /** Weighted sum of the scores; what decides. */
  readonly total: number;
  /** By each reward, and by each watched reward. */
  readonly scores: readonly number[];
  readonly watched: readonly number[];
  /** [1, h, w, c]: the noise it was drawn from. */
  readonly latents: Tensor4D;
  /** [1, H, W, 3] in [0, 1]. */
  readonly pixels: Tensor4D;
}

/** How candidates are drawn and scored; every one shows the one prompt. */
export interface CandidateSource extends RewardSet {
  readonly generator: Generator;
  readonly request: Omit<SampleRequest, 'noise'>;
}

/**
 * Draws an image from each noise of a batch, at once, and scores it. The caller owns the candidates. `onStep` is awaited after
 * each step of denoising; where it rejects, everything is freed. Scores may be NaN.
 */
export async function drawCandidates(
  { generator, request, rewards, watched }: CandidateSource,
  noise: Noise,
  onStep: (step: SampleStep) => Promise<void>,
): Promise<Candidate[]> {
  const { seeds, latents } = noise;
  const { pixels, labels } = await sampleImages(generator, { ...request, noise }, seeds.length, onStep);
  try {
    const prompts = labels.map((label) => wordsOf(label));
    const scores = await scoreImages([...rewards, ...watched], pixels, prompts);
    return seeds.map((seed, i) => {
      const own = scores[i]!.slice(0, rewards.length);
      const total = addWeighted(own, readWeights(rewards));
      const tensors = { latents: row(latents, i), pixels: row(pixels, i) };
      return { id: labels[i]!.id!, seed, total, scores: own, watched: scores[i]!.slice(rewards.length), ...tensors };
    });
  } finally {
    pixels.dispose();
  }
}

/** The name of a reward that gave no finite number for a candidate, with what it gave. */
export function findBrokenScore(
  { scores, watched }: Candidate,
  rewardSet: RewardSet,
): { readonly name: string; readonly score: number } | undefined {
  const all = [...scores, ...watched];
  const column = all.findIndex((score) => !Number.isFinite(score));
  if (column < 0) return undefined;
  return { name: [...rewardSet.rewards, ...rewardSet.watched][column]!.name, score: all[column]! };
}

/** Adds candidates to a pool, best first (of equals the earlier), and disposes of those beyond the first `keep`. */
export function keepBest(pool: Candidate[], drawn: readonly Candidate[], keep: number): void {
  pool.push(...drawn);
  pool.sort((a, b) => b.total - a.total);
  pool.splice(keep).forEach(disposeCandidate);
}

/** Disposes of a candidate's tensors. */
export function disposeCandidate({ latents, pixels }: Candidate): void {
  dispose([latents, pixels]);
}

export function copyCandidate(candidate: Candidate): Candidate {
  return { ...candidate, latents: clone(candidate.latents), pixels: clone(candidate.pixels) };
}

function row(x: Tensor4D, i: number): Tensor4D {
  return slice(x, [i, 0, 0, 0], [1, -1, -1, -1]);
}
