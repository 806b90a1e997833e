import type { KSampler } from '../diffusion/kSampler.ts';
import { gather, type Tensor } from '../tf.ts';

export interface Trajectory {
  /** Before each step. */
  readonly x: readonly Tensor[];
  readonly result: Tensor;
  /** Level of each call of the model. */
  readonly calls: readonly number[];
  /** Levels between which each draw of noise lies. */
  readonly asked: readonly (readonly [from: number, to: number])[];
}

/** Runs a sampler; the k-th draw is `draws[k]`. Called within a `tidy`. */
export function runSampler(
  sampler: KSampler,
  sigmas: readonly number[],
  start: Tensor,
  denoise: (x: Tensor, at: number) => Tensor,
  draws: Tensor,
): Trajectory {
  const [before, calls, asked]: [Tensor[], number[], (readonly [number, number])[]] = [[], [], []];
  let [x, state]: [Tensor, readonly Tensor[]] = [start, []];
  for (const i of sigmas.slice(0, -1).keys()) {
    before.push(x);
    for (const call of sampler(sigmas, i)) {
      const noise = call.draw ? gather(draws, asked.length) : x;
      if (call.draw) asked.push(call.draw);
      calls.push(call.at);
      ({ x, state = [] } = call.step({ x, clean: denoise(x, call.at), state, noise }));
    }
  }
  return { x: before, result: x, calls, asked };
}
