import { UserError } from '../../errors.ts';
import type { Denoising, Noise, SampleRequest } from '../../ports.ts';
import { type FreshNoise, freshNoise, seededNoise } from '../noiseStream.ts';
import { add, clone, dispose, gather, keep, mul, type Tensor4D, tidy } from '../tf.ts';
import type { Plan, Scheduler } from './scheduler.ts';

/** A step of a run before it is taken. */
export interface StepPoint {
  /** Counts from 0. */
  readonly index: number;
  readonly steps: number;
  /** In training timesteps; not always an integer. */
  readonly timestep: number;
  /** Which row of the request each row of the latents is, once rows were chosen; absent where they are the same. */
  readonly rows?: readonly number[];
}

/** A diffusion model with its prompts and conditions set. */
export interface DenoisingModel {
  /** Latents [N, h, w, c] as `Scheduler.scaleInput` gives them -> what the model predicts, of that shape; differentiable. */
  predict(latents: Tensor4D, point: StepPoint): Tensor4D;
}

/** What acts on a run besides the model and the scheduler, and what a request says of it. */
export interface DenoiseHooks extends Pick<SampleRequest, 'choosesRows' | 'begin'> {
  /**
   * Moves the noisy latents [N, h, w, c] before the model is asked for a step; called within a `tidy`. Gives a new tensor,
   * or undefined where they stay. `estimate` gives the clean latents that the model sees in noisy ones, differentiable and
   * for one more call of the model; `scaleInput` is the scheduler's.
   */
  moveLatents?(x: Tensor4D, at: StepPoint & LatentTools): Tensor4D | undefined;
}

interface LatentTools {
  estimate(x: Tensor4D): Tensor4D;
  scaleInput: ScaleInput;
}
type ScaleInput = <T extends Parameters<Scheduler['scaleInput']>[2]>(x: T) => T;

/** All that a run holds: one row an image in every tensor. */
type Rows = {
  x: Tensor4D;
  output: Tensor4D | undefined;
  estimate: Tensor4D | undefined;
  state: Tensor4D[];
};

/** What a request has for each row, for the rows that go on: [1 or N, ...] -> [1 or M, ...]. `rows` as in `StepPoint`. */
export function gatherRows(x: Tensor4D, rows: readonly number[] | undefined): Tensor4D {
  return rows === undefined || x.shape[0] === 1 ? x : gather(x, [...rows]);
}

/**
 * Denoises latents: x_i+1 = step(x_i, model(x_i)) for every timestep of the plan. Yields after each step, or where rows are
 * chosen between the model's answer and the step, and then goes on with the rows that it is sent; what it yields is
 * valid until the next. Returns the clean latents [N, h, w, c], which the caller owns. Where it is closed early or the model
 * throws, every tensor is freed. A gradient can run through it from the result back to the noise. Throws UserError
 * `BAD_PARAM` where rows are copied that would stay equal.
 */
export function* denoise(
  model: DenoisingModel,
  scheduler: Scheduler,
  plan: Plan,
  noise: Noise,
  hooks: DenoiseHooks = {},
): Denoising {
  const steps = plan.timesteps.length;
  const fresh = startFreshNoise(noise, plan);
  const { first, x } = beginRun(scheduler, plan, noise, hooks.begin);
  const rows: Rows = {
    x,
    output: undefined,
    estimate: undefined,
    state: [],
  };
  let origin: readonly number[] | undefined;
  try {
    for (const [index, timestep] of plan.timesteps.entries()) {
      if (index < first) continue;
      const point = { index, steps, timestep, ...(origin && { rows: origin }) };
      const predict = (x: Tensor4D) => model.predict(scheduler.scaleInput(plan, index, x), point);
      const increment = fresh.between && scheduler.increment?.(plan, index);
      const stepFrom = (x: Tensor4D, modelOutput: Tensor4D, drawn?: Tensor4D) =>
        scheduler.step(plan, index, {
          x,
          modelOutput,
          state: rows.state,
          ...(drawn && { noise: drawn, isIncrement: increment !== undefined }),
        });

      const moved = moveLatents(hooks, rows.x, {
        ...point,
        estimate: (x) => stepFrom(x, predict(x), x).estimate, // which no noise enters
        scaleInput: (x) => scheduler.scaleInput(plan, index, x),
      });
      if (moved) {
        rows.x.dispose();
        rows.x = moved;
      }
      rows.output = tidy(() => keep(predict(rows.x)));
      if (hooks.choosesRows) {
        rows.estimate?.dispose();
        rows.estimate = tidy(() => keep(stepFrom(rows.x, rows.output!, rows.x).estimate)); // likewise
        const copiesPart = plan.timesteps.some((_, i) => i >= index && scheduler.needsNoise(plan, i));
        const { x: latents, estimate } = rows;
        const level = scheduler.level(plan, index);
        const chosen = yield { step: index + 1, steps, latents, estimate, copiesPart, level };
        if (chosen) {
          checkChosen(chosen, rows.x.shape[0], copiesPart);
          keepRows(rows, chosen);
          fresh.choose(chosen, index);
          origin = chosen.map((row) => origin?.[row] ?? row);
        }
      }
      const [x, estimate, ...state] = tidy(() => {
        const draw = () => (increment ? fresh.between!(...increment) : fresh.next());
        const step = stepFrom(rows.x, rows.output!, scheduler.needsNoise(plan, index) ? draw() : undefined);
        return [step.x, step.estimate, ...step.state].map(keep);
      });
      dispose(rows);
      Object.assign(rows, { x, output: undefined, estimate, state });
      if (!hooks.choosesRows) yield { step: index + 1, steps, latents: rows.x, estimate: rows.estimate! };
    }
    return clone(rows.x);
  } finally {
    dispose(rows);
  }
}

/**
 * The first step of a run and the latents that it begins with: pure noise, or clean latents with noise of the step's level. The
 * caller owns them. Throws UserError `UNSUPPORTED` where the scheduler can begin with its first step alone.
 */
function beginRun(
  scheduler: Scheduler,
  plan: Plan,
  { latents }: Noise,
  begin: SampleRequest['begin'],
): { first: number; x: Tensor4D } {
  if (!begin) return { first: 0, x: keep(mul(latents, plan.initNoiseSigma)) };
  const wanted = Math.max(0, plan.timesteps.length - begin.steps);
  const able = plan.timesteps.map((_, i) => i).filter((i) => scheduler.canBegin?.(plan, i) ?? true);
  const first = able.reduce((best, i) => (Math.abs(i - wanted) < Math.abs(best - wanted) ? i : best));
  if (first === 0 && wanted > 0)
    throw new UserError(
      'UNSUPPORTED',
      'This scheduler can only run from its first step on, and a run was to begin later. Choose ddim, euler, dpm++2m, ddpm or lcm.',
      { at: { param: 'scheduler' } },
    );
  const level = scheduler.level(plan, first);
  const x: Tensor4D = tidy(() => keep(add(mul(begin.latents, level.signal), mul(latents, level.noise))));
  return { first, x };
}

function moveLatents(hooks: DenoiseHooks, x: Tensor4D, at: StepPoint & LatentTools): Tensor4D | undefined {
  if (!hooks.moveLatents) return undefined;
  const [moved] = tidy(() => {
    const result = hooks.moveLatents!(x, at);
    return result ? [keep(result)] : [];
  });
  return moved;
}

/** Throws UserError `BAD_PARAM` for copies that would stay equal, and a plain Error for rows that are not there. */
function checkChosen(chosen: readonly number[], count: number, copiesPart: boolean): void {
  if (chosen.length === 0 || chosen.some((row) => !Number.isInteger(row) || row < 0 || row >= count))
    throw new Error(`rows [${chosen}] of ${count} were chosen`);
  if (!copiesPart && new Set(chosen).size < chosen.length) throw copiesStayEqual();
}

/** UserError `BAD_PARAM` for a sampler in which copies of a row would go the same way for ever. */
export function copiesStayEqual(): UserError {
  return new UserError(
    'BAD_PARAM',
    'This scheduler draws no noise on the way, so that copies of an image would stay equal. Choose ddim with eta above 0, ddpm, lcm, or one that is called ancestral or sde.',
    { at: { param: 'scheduler' } },
  );
}

/** Replaces every tensor by its chosen rows. */
function keepRows(rows: Rows, chosen: readonly number[]): void {
  const take = (x: Tensor4D): Tensor4D => gather(x, [...chosen]);
  const x = take(rows.x);
  const output = rows.output && take(rows.output);
  const estimate = rows.estimate && take(rows.estimate);
  const state = rows.state.map(take);
  dispose(rows);
  Object.assign(rows, { x, output, estimate, state });
}

/** Further noise for stochastic samplers: of each image's stream, or what its seed gives after its initial latents. */
function startFreshNoise({ latents, seeds, streams }: Noise, { sigmas = [] }: Plan): FreshNoise {
  const [, h, w, c] = latents.shape;
  const levels = sigmas.filter((level) => level > 0);
  if (streams?.every(({ program }) => program !== 'diffusers'))
    return freshNoise(streams, [h, w, c], [Math.min(...levels), Math.max(...levels)]);
  return seededNoise(seeds, [h, w, c]);
}
