import { type InputValues, many, type NodeContext, one, type ParamValues } from '../../defineNode.ts';
import { remarkOnPrompt } from '../../generate/shared/remarkOnPrompt.ts';
import { sampleParams, sampleSettings } from '../../generate/shared/sampleParams.ts';
import { readLatentShape, sizeParams } from '../../generate/shared/sizeParams.ts';
import { readStatistics, statisticsInput } from '../../generate/shared/statisticsInput.ts';
import { shrinkImage } from '../../ml/image/drawPreview.ts';
import type { CandidateSource } from '../../ml/optimise/drawCandidates.ts';
import type { NoiseSearch } from '../../ml/optimise/noiseSearch.ts';
import { type Searched, searchNoise } from '../../ml/optimise/searchNoise.ts';
import { titleColumn } from '../../ml/optimise/trace.ts';
import { integer, seed } from '../../params.ts';
import type { Trace } from '../../ports.ts';
import { remarkOnRewards } from '../../reward/shared/remarkOnRewards.ts';
import { gradientParams, readWatchSettings } from './gradientParams.ts';
import { encodeBestSoFar } from './reportProgress.ts';

/** The inputs of every search without gradients. */
export const searchInputs = {
  generator: one('generator', { help: 'Only drawn from: any number of steps, any scheduler, no gradient needed.' }),
  prompt: one('text'),
  rewards: many('reward', { min: 1, help: 'The sum of all, each times its weight (see Weight), is what is sought.' }),
  watch: many('reward', { help: 'Scored but never optimised: they show whether the images really get better.' }),
  conditions: many('condition', { help: 'Images that steer the generator, see Control image.' }),
  statistics: statisticsInput,
};

export const searchParams = {
  seed: seed({ initial: 0, help: 'Where all randomness of the search comes from.' }),
  keep: integer({ initial: 1, min: 1, max: 256, help: 'How many of the best images are kept.' }),
  whenHacking: gradientParams.whenHacking,
  patience: { ...gradientParams.patience, unit: 'rounds' },
  ...sizeParams,
  ...sampleParams,
};

type SearchInputs = InputValues<typeof searchInputs>;
type SearchParams = ParamValues<typeof searchParams>;

/** How candidates with latents of that shape are drawn and scored, as a node's inputs and params say. */
export function readCandidateSource(
  { generator, prompt, rewards, watch, conditions, ...given }: SearchInputs,
  params: ParamValues<typeof sampleParams>,
  shape: readonly number[],
  remark: NodeContext['remark'],
): CandidateSource {
  const settings = sampleSettings(generator, params);
  const statistics = readStatistics(given.statistics, settings, shape, remark);
  const request = { prompts: [prompt], negativePrompt: params.negativePrompt, settings, conditions, ...statistics };
  return { generator, request, rewards, watched: watch };
}

/**
 * Runs a search and reports its progress, the best image so far, and the curves. Where it is cancelled, the best images are
 * saved before the rejection goes on. The caller owns the tensors of the best.
 */
export async function searchImages(
  source: CandidateSource,
  params: SearchParams,
  { search, rounds }: { readonly search: NoiseSearch; readonly rounds: number },
  { progress, remark, save, signal }: NodeContext,
): Promise<Searched> {
  const shape = readLatentShape(source.generator, params);
  const [prompt = ''] = source.request.prompts;
  remarkOnPrompt(source.generator, prompt, [params.negativePrompt], remark);
  remarkOnRewards(source, remark);
  let done = 0;
  await progress(0);
  return await searchNoise(
    source,
    search,
    { shape, batch: params.batch, keep: params.keep, watch: readWatchSettings(params) },
    async ({ best, columns, rows }) => {
      done = rows.length;
      const figures = Object.fromEntries(columns.map((column, i) => [titleColumn(column), rows.at(-1)![i]!]));
      const text = `round ${done} of ${rounds}: mean ${figures.total!.toPrecision(4)}, best ${best[0]!.total.toPrecision(4)}`;
      try {
        await progress(done / rounds, text, () => shrinkImage(best[0]!.pixels), figures);
      } catch (error) {
        if (signal.aborted)
          for (const [i, { pixels, seed }] of best.entries()) save(await encodeBestSoFar(pixels, { prompt, seed }, i));
        throw error;
      }
    },
    () => progress(done / rounds),
  );
}

/** The trace of a search: one table, a row a round. */
export function searchTrace({ columns, rows, kept, remarks, hacks }: Searched, prompt: string): Trace {
  return { columns, values: [rows], labels: [{ prompt }], kept: [kept], remarks, ...(hacks ? { hacks } : {}) };
}
