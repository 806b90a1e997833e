import { div, sub, type Tensor } from '../tf.ts';

/**
 * A sampler in noise levels, as k-diffusion writes them: x = clean + sigma * noise, and the model estimates the clean sample
 * D(x, sigma). It gives the calls of the model that lead from `sigmas[i]` to `sigmas[i + 1]`, in order; levels fall, and
 * only the last may be 0.
 * Source: arXiv 2206.00364, section 2 and table 1.
 */
export type KSampler = (sigmas: readonly number[], i: number) => readonly ModelCall[];

export interface ModelCall {
  /** Noise level of x, at which the model is asked. */
  readonly at: number;
  /** The levels between which the noise that the call needs is drawn; absent where it needs none. */
  readonly draw?: readonly [from: number, to: number];
  /** Owns and disposes of nothing; differentiable. All tensors have one shape. */
  step(input: CallInput): CallOutput;
}

export interface CallInput {
  readonly x: Tensor;
  /** D(x, at) */
  readonly clean: Tensor;
  /** What the call before it returned, the last call of the step before for the first of a step; `[]` at the start. */
  readonly state: readonly Tensor[];
  /** Unit-normal noise where `draw` is there; else any tensor of that shape, which is not read. */
  readonly noise: Tensor;
}

export interface CallOutput {
  readonly x: Tensor;
  readonly state?: readonly Tensor[];
}

/** (x - D) / sigma, by which x changes as sigma does. Source: arXiv 2206.00364, equation 1 (VE, s(t) = 1). */
export function derivativeOf(x: Tensor, clean: Tensor, sigma: number): Tensor {
  return div(sub(x, clean), sigma);
}

/**
 * A step from `from` to `to` of which a part is fresh noise: down to the level `down`, then noise of deviation `up` on top,
 * down^2 + up^2 = to^2. eta in [0, 1]: how much is fresh. Source: k-diffusion get_ancestral_step.
 */
export function splitStep(from: number, to: number, eta = 1): { down: number; up: number } {
  const up = Math.min(to, eta * to * Math.sqrt(Math.max(0, 1 - (to / from) ** 2)));
  return { down: Math.sqrt(to ** 2 - up ** 2), up };
}
