import { dispose, engine } from '../tf.ts';

/** Lets go of what the tape saved of a gradient that threw: TensorFlow.js keeps it. */
export function dropTape(): void {
  const { state } = engine();
  for (const { saved } of state.activeTape ?? []) dispose(saved ?? []);
  state.activeTape = [];
}
