import type { Tensor } from '../tf.ts';

/** The content of diffusers' `scheduler_config.json`: `_class_name` and that class's fields (missing ones have its defaults). */
export type SchedulerConfig = Readonly<Record<string, unknown>>;

export interface PlanOptions {
  /** DDIM's eta in [0, 1]; 0 (default) is deterministic. Other samplers ignore it. */
  readonly eta?: number;
  /** Resolution-dependent shift of flow schedules; needed where the config says `use_dynamic_shifting`. */
  readonly mu?: number;
  /** In place of the model's own spacing: as many whole training timesteps as there are steps, falling. */
  readonly timesteps?: readonly number[];
}

/** A run's schedule as plain data: one entry of `timesteps` per call of the model, noisiest first. */
export interface Plan {
  /** What the model is told, in training timesteps; not always integers. */
  readonly timesteps: readonly number[];
  /** Noise levels with the final one appended, for the samplers that work in them; float32 values, as diffusers keeps them. */
  readonly sigmas?: readonly number[];
  /** Multiplies unit-normal noise to make the first `x`. */
  readonly initNoiseSigma: number;
  readonly eta: number;
}

/** x = signal * clean sample + noise * standard normal noise. */
export interface NoiseLevel {
  readonly signal: number;
  readonly noise: number;
}

/** All tensors have one shape, any rank; a leading axis is a batch of independent images. */
export interface StepInput<T extends Tensor> {
  /** The noisy sample (not scaled by `scaleInput`). */
  readonly x: T;
  /** What the model predicted for `scaleInput(plan, i, x)` at `plan.timesteps[i]`. */
  readonly modelOutput: T;
  /** What the previous step returned; `[]` at the first step. Its layout is the sampler's own affair. */
  readonly state: readonly T[];
  /** Unit-normal noise; read only where `needsNoise(plan, i)`. */
  readonly noise?: T;
  /** The noise is the increment over `increment(plan, i)`, and needs nothing of the draws before. */
  readonly isIncrement?: boolean;
}

export interface StepOutput<T extends Tensor> {
  /** The sample for the next step; after the last step, the result. */
  x: T;
  /** The present estimate of the clean sample. */
  estimate: T;
  state: T[];
}

/**
 * One sampler with its settings: pure functions of a plan. Step i takes `plan.timesteps[i]`, from 0 up and without
 * gaps, since the multistep samplers derive their order from i.
 *
 * Ownership: `scaleInput` and `step` keep and dispose of nothing they are given, and every tensor they return is new
 * and the caller's, `state` included. Inside `tf.tidy` nothing needs disposing; both are differentiable in x,
 * modelOutput, state and noise.
 */
export interface Scheduler {
  readonly config: SchedulerConfig;
  /** Whether `plan` can take timesteps that are stated. */
  readonly takesTimesteps?: boolean;
  /** Throws UserError `BAD_STEPS` where the schedule cannot have that many steps. */
  plan(steps: number, options?: PlanOptions): Plan;
  /** Whether step i reads `noise`. */
  needsNoise(plan: Plan, i: number): boolean;
  /** The noise levels between which step i takes an increment of a Brownian motion, as a unit normal; absent where draws are independent. */
  increment?(plan: Plan, i: number): readonly [from: number, to: number] | undefined;
  /** What x is made of at step i. */
  level(plan: Plan, i: number): NoiseLevel;
  /** Whether step i can be the first of a run, without the state of those before; absent where any can. */
  canBegin?(plan: Plan, i: number): boolean;
  /** The sample as the model wants to see it. */
  scaleInput<T extends Tensor>(plan: Plan, i: number, x: T): T;
  step<T extends Tensor>(plan: Plan, i: number, input: StepInput<T>): StepOutput<T>;
}
