import type { Noise, SampleStep } from '../../ports.ts';
import { type FreshNoise, freshNoise } from '../noiseStream.ts';
import { drawLatents, noiseSource } from '../random.ts';
import { clone, dispose, keep, mul, type Tensor4D, tidy } from '../tf.ts';
import type { Plan, Scheduler } from './scheduler.ts';

/** A step of a run before it is taken. */
export interface StepPoint {
  /** Counts from 0. */
  readonly index: number;
  readonly steps: number;
  /** In training timesteps; not always an integer. */
  readonly timestep: number;
}

/** A diffusion model with its prompts and conditions set. */
export interface DenoisingModel {
  /** Latents [N, h, w, c] as `Scheduler.scaleInput` gives them -> what the model predicts, of that shape; differentiable. */
  predict(latents: Tensor4D, point: StepPoint): Tensor4D;
}

/** What acts on the latents of a run besides the model and the scheduler. */
export interface DenoiseHooks {
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

/**
 * Denoises latents: x_i+1 = step(x_i, model(x_i)) for every timestep of the plan. Yields after each step; what it yields is
 * valid until the next. Returns the clean latents [N, h, w, c], which the caller owns. Where it is closed early or the model
 * throws, every tensor is freed. A gradient can run through it from the result back to the noise.
 */
export function* denoise(
  model: DenoisingModel,
  scheduler: Scheduler,
  plan: Plan,
  noise: Noise,
  hooks: DenoiseHooks = {},
): globalThis.Generator<SampleStep, Tensor4D, void> {
  const steps = plan.timesteps.length;
  const fresh = startFreshNoise(noise, plan);
  const rows: Rows = {
    x: keep(mul(noise.latents, plan.initNoiseSigma)),
    output: undefined,
    estimate: undefined,
    state: [],
  };
  try {
    for (const [index, timestep] of plan.timesteps.entries()) {
      const point = { index, steps, timestep };
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
      // Between the model's output and the scheduler's step, every tensor of `rows` has the same N rows.
      const [x, estimate, ...state] = tidy(() => {
        const draw = () => (increment ? fresh.between!(...increment) : fresh.next());
        const step = stepFrom(rows.x, rows.output!, scheduler.needsNoise(plan, index) ? draw() : undefined);
        return [step.x, step.estimate, ...step.state].map(keep);
      });
      dispose(rows);
      Object.assign(rows, { x, output: undefined, estimate, state });
      yield { step: index + 1, steps, latents: rows.x, estimate: rows.estimate! };
    }
    return clone(rows.x);
  } finally {
    dispose(rows);
  }
}

function moveLatents(hooks: DenoiseHooks, x: Tensor4D, at: StepPoint & LatentTools): Tensor4D | undefined {
  if (!hooks.moveLatents) return undefined;
  const [moved] = tidy(() => {
    const result = hooks.moveLatents!(x, at);
    return result ? [keep(result)] : [];
  });
  return moved;
}

/** Further noise for stochastic samplers: of each image's stream, or what its seed gives after its initial latents. */
function startFreshNoise({ latents, seeds, streams }: Noise, { sigmas = [] }: Plan): FreshNoise {
  const [, h, w, c] = latents.shape;
  const levels = sigmas.filter((level) => level > 0);
  if (streams?.every(({ program }) => program !== 'diffusers'))
    return freshNoise(streams, [h, w, c], [Math.min(...levels), Math.max(...levels)]);
  const sources = seeds.map(noiseSource);
  let started = false;
  return {
    next() {
      if (!started) for (const draw of sources) draw(h * w * c);
      started = true;
      return drawLatents(sources, [h, w, c]);
    },
  };
}
