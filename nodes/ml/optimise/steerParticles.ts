import type { SampleStep, TraceColumn } from '../../ports.ts';
import { copiesStayEqual } from '../diffusion/denoise.ts';
import { denoiseRows } from '../diffusion/denoiseRows.ts';
import { refuseOddConditions } from '../diffusion/sampleImages.ts';
import { copySeed } from '../noiseStream.ts';
import { latentNoise, randomStream } from '../random.ts';
import type { Tensor4D } from '../tf.ts';
import type { CandidateSource } from './drawCandidates.ts';
import { describeBroken, type Judged, judgeLatents, rewardUnit } from './judgeLatents.ts';
import { listSpent, lookColumns, type Spent, spentColumns, summarise } from './lookTrace.ts';
import {
  drawnParticles,
  drawSystematic,
  effectiveSize,
  type Particle,
  type Potential,
  sharesOf,
  startParticles,
  weighParticles,
} from './particles.ts';

export interface SteerSettings {
  /** Particle i begins as the image of seed + i. */
  readonly seed: number;
  readonly particles: number;
  readonly potential: Potential;
  /** lambda, for rewards in units of `rewardUnit`. */
  readonly strength: number;
  /** Shares of the run between which it looks, and how many steps from look to look. */
  readonly first: number;
  readonly last: number;
  readonly every: number;
  /** Images decoded and scored at once. */
  readonly batch: number;
}

/** What a look at the particles found. */
export interface Look extends Judged {
  /** Effective sample size before a draw, and how many of the first particles are left after it. */
  readonly size: number;
  readonly ancestors: number;
}

export interface Steered {
  /** The final images. The caller owns the pixels. */
  readonly judged: Judged;
  /** The weight of each as a share; 0 for one that was dropped. */
  readonly shares: readonly number[];
  /** The seed that each began with. */
  readonly seeds: readonly number[];
  readonly columns: readonly TraceColumn[];
  /** A row a look, the last of the final images. */
  readonly rows: readonly (readonly number[])[];
  readonly remarks: readonly string[];
}

/** Particles on their way. */
interface State {
  particles: Particle[];
  /** Which of the first particles each comes from. */
  ancestors: number[];
  readonly rows: number[][];
  readonly remarks: string[];
  readonly spent: Spent;
}

/**
 * Steers particles by Feynman-Kac weights: all are denoised side by side, and at some steps they are weighed by the rewards of
 * the images that they are estimated to become; where few of them have most of the weight, they are drawn anew by it, and copies
 * part by noise of their own. `report` is awaited after each step, with what a look found; where it rejects, everything is freed.
 * Throws UserError `BAD_PARAM` for a scheduler without noise, `NOT_FINITE` where no particle has a reward, `ROWS_DIFFER` where
 * condition images do not fit.
 * Source: arXiv 2501.06848; drawn where the effective sample size is below N / 2, systematically, before the step adds noise
 */
export async function steerParticles(
  source: CandidateSource,
  settings: SteerSettings,
  shape: readonly [h: number, w: number, c: number],
  report: (step: Pick<SampleStep, 'step' | 'steps'>, look?: Look) => Promise<void>,
): Promise<Steered> {
  const { seed, particles: count, batch } = settings;
  const seeds = Array.from({ length: count }, (_, i) => (seed + i) % 2 ** 53);
  const random = randomStream(copySeed(seed, 0, count));
  const state: State = {
    particles: startParticles(count, settings.potential),
    ancestors: seeds.map((_, i) => i),
    rows: [],
    remarks: [],
    spent: { modelCalls: 0, decodes: 0, rewardCalls: 0 },
  };
  const latents = latentNoise(seeds, shape);
  try {
    const request = { ...source.request, noise: { latents, seeds } };
    refuseOddConditions(request);
    let done = 0;
    const clean = await denoiseRows(source.generator, request, async ({ step, steps, estimate, copiesPart }) => {
      if (!copiesPart && step < steps) throw copiesStayEqual();
      state.spent.modelCalls += count;
      done = step;
      if (!looksAt(settings, step, steps)) return void (await report({ step, steps }));
      const judged = await judgeLatents(source, estimate, { batch, watch: false }, state.spent);
      try {
        const { look, chosen } = drawAnew(state, source, settings, judged, step, random.uniform());
        await report({ step, steps }, look);
        return chosen;
      } finally {
        judged.pixels.dispose();
      }
    });
    return await finish(state, source, settings, clean, done, seeds);
  } finally {
    latents.dispose();
  }
}

/** Whether the particles are weighed in a step, counted from 1; the final images are weighed in any case. */
function looksAt({ first, last, every }: SteerSettings, step: number, steps: number): boolean {
  const from = Math.max(1, Math.ceil(first * steps));
  return step >= from && step <= last * steps && step < steps && (step - from) % every === 0;
}

/** Weighs the particles, and draws them anew where that is due: which rows go on, undefined for all. */
function drawAnew(
  state: State,
  source: CandidateSource,
  settings: SteerSettings,
  judged: Judged,
  step: number,
  uniform: number,
): { look: Look; chosen: readonly number[] | undefined } {
  const shares = weigh(state, source, settings, judged, step, false);
  const size = effectiveSize(shares);
  const isDue = size < shares.length / 2 || judged.totals.some((total) => !Number.isFinite(total));
  const chosen = isDue ? drawSystematic(shares, uniform) : undefined;
  if (chosen) {
    state.particles = drawnParticles(state.particles, chosen);
    state.ancestors = chosen.map((row) => state.ancestors[row]!);
  }
  return { look: record(state, judged, step, size, isDue), chosen };
}

/** The shares of the particles after a look. */
function weigh(
  state: State,
  source: CandidateSource,
  { potential, strength }: SteerSettings,
  judged: Judged,
  step: number,
  isLast: boolean,
): number[] {
  const broken = describeBroken(source, judged, step, 'particles');
  if (broken) state.remarks.push(broken);
  const unit = rewardUnit(source.rewards);
  const rewards = judged.totals.map((total) => total / unit);
  state.particles = weighParticles(state.particles, rewards, { potential, strength, isLast });
  return sharesOf(state.particles.map(({ logWeight }) => logWeight));
}

/** Writes a row of the trace: means over the particles that have rewards, the best, and the figures. */
function record(state: State, judged: Judged, step: number, size: number, isDrawn: boolean): Look {
  const ancestors = new Set(state.ancestors).size;
  state.rows.push([...summarise(judged), step, size, ancestors, isDrawn ? 1 : 0, ...listSpent(state.spent)]);
  return { ...judged, size, ancestors };
}

async function finish(
  state: State,
  source: CandidateSource,
  settings: SteerSettings,
  clean: Tensor4D,
  step: number,
  seeds: readonly number[],
): Promise<Steered> {
  let judged: Judged | undefined;
  try {
    judged = await judgeLatents(source, clean, { batch: settings.batch, watch: true }, state.spent);
    const shares = weigh(state, source, settings, judged, step, true);
    record(state, judged, step, effectiveSize(shares), false);
    const { rows, remarks, ancestors } = state;
    const figures = ['step', 'effective sample size', 'ancestors', 'drawn', ...spentColumns];
    const columns = lookColumns(source, figures);
    return { judged, shares, seeds: ancestors.map((i) => seeds[i]!), columns, rows, remarks };
  } catch (error) {
    judged?.pixels.dispose();
    throw error;
  } finally {
    clean.dispose();
  }
}
