import { dispose, engine } from '../tf.ts';

/** Disposes of what the tape saved for a gradient that threw, which TensorFlow.js would keep. */
export function dropTape(): void {
  const { state } = engine();
  for (const { saved } of state.activeTape ?? []) dispose(saved ?? []);
  state.activeTape = [];
}
