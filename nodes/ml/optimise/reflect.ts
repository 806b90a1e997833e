import { denoiseRows } from '../diffusion/denoiseRows.ts';
import { scoreImages } from '../image/scoreImages.ts';
import { copySeed } from '../noiseStream.ts';
import { latentNoise } from '../random.ts';
import { dispose, type Tensor4D, tidy, tile } from '../tf.ts';
import type { CandidateSource } from './drawCandidates.ts';
import { type Judged, judgeLatents } from './judgeLatents.ts';
import type { Spent } from './lookTrace.ts';
import { addWeighted, readWeights } from './rewardWeights.ts';

/** Share of the run that is drawn anew. */
const AGAIN = 0.6;

/** One image with its clean latents [1, h, w, c]; it owns both. */
export interface Finished {
  readonly judged: Judged;
  readonly latents: Tensor4D;
  readonly seed: number;
}

/**
 * Draws on from an image that the rewards do not accept: its clean latents are noised up to 0.6 of the run and denoised again,
 * with the clause of the prompt that it shows least said once more; up to `rounds` times, and the better of old and new goes on.
 * Takes ownership of `first`; the caller owns the result. Where it rejects, both are freed.
 * Source: arXiv 2501.13926 (PARM++), section 3.4; the reason is a clause of the prompt in place of a network's words
 */
export async function reflect(
  source: CandidateSource,
  first: Finished,
  { rounds, accept, batch }: { readonly rounds: number; readonly accept: number; readonly batch: number },
  spent: Spent,
  remarks: string[],
  onStep: () => Promise<void>,
): Promise<Finished> {
  const [prompt = ''] = source.request.prompts;
  const { steps } = source.request.settings;
  const [, h, w, c] = first.latents.shape;
  let best = first;
  try {
    for (let round = 1; round <= rounds && best.judged.totals[0]! < accept; round++) {
      const clause = await findWeakestClause(source, prompt, best.judged.pixels, spent);
      const seeds = [copySeed(first.seed, steps, round)];
      const noise = latentNoise(seeds, [h, w, c]);
      const left = Math.max(1, Math.round(AGAIN * steps));
      const request = {
        ...source.request,
        noise: { latents: noise, seeds },
        prompts: [`${prompt}, ${clause}`],
        begin: { latents: best.latents, steps: left },
      };
      let latents: Tensor4D;
      try {
        latents = await denoiseRows(source.generator, request, async () => {
          spent.modelCalls += 1;
          await onStep();
          return undefined;
        });
      } finally {
        noise.dispose();
      }
      const drawn = await judgeOwned(source, latents, first.seed, batch, spent);
      const [before, after] = [best.judged.totals[0]!, drawn.judged.totals[0]!];
      const isBetter = after > before;
      remarks.push(
        `The image of seed ${first.seed} had ${before.toPrecision(4)}, below ${accept}, and showed "${clause}" least: drawn on with these words it has ${after.toPrecision(4)}, and ${isBetter ? 'the new one' : 'the old one'} is kept.`,
      );
      disposeFinished(isBetter ? best : drawn);
      if (isBetter) best = drawn;
    }
    return best;
  } catch (error) {
    disposeFinished(best);
    throw error;
  }
}

export function disposeFinished({ judged, latents }: Finished): void {
  dispose([judged.pixels, latents]);
}

/** Takes ownership of the latents, which are freed where they cannot be judged. */
async function judgeOwned(
  source: CandidateSource,
  latents: Tensor4D,
  seed: number,
  batch: number,
  spent: Spent,
): Promise<Finished> {
  try {
    return { judged: await judgeLatents(source, latents, { batch, watch: true }, spent), latents, seed };
  } catch (error) {
    latents.dispose();
    throw error;
  }
}

/** The clause of a prompt by which an image [1, H, W, 3] has the lowest total. */
async function findWeakestClause(
  { rewards }: CandidateSource,
  prompt: string,
  pixels: Tensor4D,
  spent: Spent,
): Promise<string> {
  const clauses = splitClauses(prompt);
  if (clauses.length === 1) return clauses[0]!;
  const repeated: Tensor4D = tidy(() => tile(pixels, [clauses.length, 1, 1, 1]) as Tensor4D);
  try {
    const scores = await scoreImages(rewards, repeated, clauses);
    spent.rewardCalls += clauses.length * rewards.length;
    const totals = scores.map((row) => addWeighted(row, readWeights(rewards)));
    return clauses[totals.indexOf(Math.min(...totals))] ?? clauses[0]!;
  } finally {
    repeated.dispose();
  }
}

/** The parts of a prompt between commas, full stops, "and" and "with", in their order; the prompt where it has none. */
export function splitClauses(prompt: string): string[] {
  const parts = prompt.split(/[,.;]|\band\b|\bwith\b/i).map((part) => part.trim());
  const clauses = parts.filter((part) => part !== '');
  return clauses.length > 0 ? clauses : [prompt];
}
