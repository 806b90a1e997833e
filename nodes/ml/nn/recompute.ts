import { customGrad, engine, grads, memory, type Tensor, tidy } from '../tf.ts';
import { dropTape } from './dropTape.ts';

/** Bytes of tensors, of all there are, up to which blocks remember. */
let limit = 0;

/**
 * While `work` runs, blocks given to `recompute` remember their activations instead until they have taken `room` bytes:
 * the same results (but for the order of sums) in less time. Only the blocks after that run again.
 */
export function rememberWithin<T>(room: number, work: () => T): T {
  const before = limit;
  limit = memory().numBytes + room;
  try {
    return work();
  } finally {
    limit = before;
  }
}

/**
 * Applies a block without remembering its activations (see `rememberWithin`): the backward pass runs the block again.
 * Costs one more forward pass of the block, and saves all of its memory between the passes.
 *
 * Gradients flow to `inputs` alone (the result must depend on every one of them). What the block reads otherwise, its
 * weights, gets none: training calls the block plainly. Source: arXiv 1604.06174, section 4
 */
export function recompute<I extends readonly Tensor[], O extends Tensor>(block: (...inputs: I) => O, inputs: I): O {
  if (memory().numBytes < limit) return plainly(block, inputs);
  const op = customGrad((...call: unknown[]) => {
    const save = call.pop() as (tensors: Tensor[]) => void;
    const value = block(...(call as unknown as I));
    save(call as Tensor[]); // not before: what is saved for a block that throws is never let go
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        tidy(() => withOwnTape(() => grads(block as unknown as (...xs: Tensor[]) => Tensor)(saved, dy))),
    };
  });
  return op(...inputs) as O;
}

/** Applies a block and lets go of what neither its result nor its gradient needs. */
export function plainly<I extends readonly Tensor[], O extends Tensor>(block: (...inputs: I) => O, inputs: I): O {
  return tidy(() => block(...inputs));
}

/** The engine has one tape and drops it when a gradient is done; the one that is being walked has to survive. */
export function withOwnTape<T>(body: () => T): T {
  const { state } = engine();
  const tape = state.activeTape;
  try {
    return body();
  } catch (error) {
    if (state.activeTape !== tape) dropTape();
    throw error;
  } finally {
    state.activeTape = tape;
  }
}
