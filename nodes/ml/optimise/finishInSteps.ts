import { UserError } from '../../errors.ts';
import type { SampleRequest, SampleStep } from '../../ports.ts';
import { gatherRows } from '../diffusion/denoise.ts';
import { denoiseRows } from '../diffusion/denoiseRows.ts';
import { dispose, div, gather, mul, sub, type Tensor4D, tidy } from '../tf.ts';
import type { CandidateSource } from './drawCandidates.ts';

/** A row of the latents of a step: which row of the request it is, and its seed. */
interface RunRow {
  readonly row: number;
  readonly origin: number;
  readonly seed: number;
}

/**
 * Finishes the runs of some rows in a few steps, without fresh noise: from their estimates with the noise that they have now,
 * z = (x - signal estimate) / noise, at the nearest level of a run of as few steps. The caller owns the clean latents.
 * Throws UserError `UNSUPPORTED` where the scheduler cannot begin on the way. Source: arXiv 2501.08617 (hindsight simulation)
 */
export async function finishInSteps(
  { generator, request }: Pick<CandidateSource, 'generator' | 'request'>,
  { step, steps: all, latents, estimate, level }: SampleStep,
  rows: readonly RunRow[],
  steps: number,
): Promise<Tensor4D> {
  if (!level) throw new UserError('UNSUPPORTED', `The generator "${generator.name}" cannot be judged in hindsight.`);
  const picked = rows.map(({ row }) => row);
  const origins = rows.map(({ origin }) => origin);
  const clean: Tensor4D = gather(estimate, picked);
  const noise: Tensor4D = tidy(
    () => div(sub(gather(latents, picked), mul(clean, level.signal)), level.noise) as Tensor4D,
  );
  const gathered: Tensor4D[] = [];
  const own = (x: Tensor4D): Tensor4D => {
    const rowsOf = gatherRows(x, origins);
    if (rowsOf !== x) gathered.push(rowsOf);
    return rowsOf;
  };
  const { timesteps: _, ...settings } = request.settings;
  const left = (all - step + 1) / all;
  const short: SampleRequest = {
    ...request,
    noise: { latents: noise, seeds: rows.map(({ seed }) => seed) },
    conditions: request.conditions.map(({ image, map, ...condition }) => ({
      ...condition,
      image: own(image),
      ...(map && { map: own(map) }),
    })),
    settings: { ...settings, eta: 0, steps: Math.max(steps, Math.round(steps / left)) },
    begin: { latents: clean, steps },
  };
  try {
    return await denoiseRows(generator, short, async () => undefined);
  } finally {
    dispose([clean, noise, ...gathered]);
  }
}
