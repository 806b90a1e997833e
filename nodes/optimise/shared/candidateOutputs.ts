import { labelImage } from '../../ml/diffusion/sampleImages.ts';
import type { Candidate, CandidateSource } from '../../ml/optimise/drawCandidates.ts';
import type { RewardSet } from '../../ml/optimise/rowState.ts';
import { concat } from '../../ml/tf.ts';
import type { Images, Noise, Scores } from '../../ports.ts';

/** The images, noise and scores of candidates, as outputs of a node. The caller owns the tensors. */
export function candidateOutputs(
  candidates: readonly Candidate[],
  source: CandidateSource,
): { readonly images: Images; readonly noise: Noise; readonly scores: Scores } {
  const labels = candidates.map(({ id, seed }) => ({ ...labelImage(source.generator, source.request, seed, 0), id }));
  const values = candidates.map(({ scores, watched }) => [...scores, ...watched]);
  const pixels = concat(
    candidates.map((each) => each.pixels),
    0,
  );
  const latents = concat(
    candidates.map((each) => each.latents),
    0,
  );
  return {
    images: { pixels, labels },
    noise: { latents, seeds: candidates.map(({ seed }) => seed) },
    scores: { names: listRewardNames(source), values, labels },
  };
}

/** Names of the rewards and then of the watched ones. */
export function listRewardNames({ rewards, watched }: RewardSet): string[] {
  return [...rewards, ...watched].map(({ name }) => name);
}
