import { customGrad, engine, grads, memory, type Tensor, tidy } from '../tf.ts';
import { dropTape } from './dropTape.ts';

/** Blocks keep their activations while all tensors together take fewer bytes than this. */
let limit = 0;

/**
 * While `work` runs, blocks passed to `recompute` keep their activations until those take `room` bytes; only later blocks
 * are recomputed. The results are the same up to the order of sums, and come sooner.
 */
export function keepActivationsWithin<T>(room: number, work: () => T): T {
  const before = limit;
  limit = memory().numBytes + room;
  try {
    return work();
  } finally {
    limit = before;
  }
}

/**
 * Activation checkpointing: applies a block without keeping its activations (but see `keepActivationsWithin`) and runs it
 * again in the backward pass. This costs one more forward pass and frees the block's memory between the two passes.
 *
 * Gradients flow only to `inputs`, and the result must depend on each of them. Whatever else the block reads, such as its
 * weights, gets no gradient: training calls blocks directly. Source: arXiv 1604.06174, section 4
 */
export function recompute<I extends readonly Tensor[], O extends Tensor>(block: (...inputs: I) => O, inputs: I): O {
  if (memory().numBytes < limit) return plainly(block, inputs);
  const op = customGrad((...call: unknown[]) => {
    const save = call.pop() as (tensors: Tensor[]) => void;
    const value = block(...(call as unknown as I));
    save(call as Tensor[]); // not earlier: tensors saved for a block that throws are never disposed
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        tidy(() => withOwnTape(() => grads(block as unknown as (...xs: Tensor[]) => Tensor)(saved, dy))),
    };
  });
  return op(...inputs) as O;
}

/** Applies a block and disposes of what neither its result nor its gradient needs. */
export function plainly<I extends readonly Tensor[], O extends Tensor>(block: (...inputs: I) => O, inputs: I): O {
  return tidy(() => block(...inputs));
}

/** The engine has a single tape and drops it after each gradient; this keeps the one that is being walked. */
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
