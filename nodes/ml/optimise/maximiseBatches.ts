import { sliceRequest } from '../diffusion/sampleImages.ts';
import { dispose } from '../tf.ts';
import { type MaximiseSettings, maximise } from './maximise.ts';
import type { ObjectiveParts } from './objective.ts';
import { disposeSnapshots, type RowResult } from './rowState.ts';
import type { Stepper } from './stepper.ts';
import { createObjective, type VariableObjective, type VariableSettings } from './variables.ts';

/** How far an optimisation is. */
export interface BatchProgress {
  /** In [0, 1], over all images. */
  readonly fraction: number;
  /** The evaluation just done, from 1. */
  readonly evaluation: number;
  /** Images [start, start + rows.length) are being optimised. */
  readonly start: number;
  readonly rows: readonly RowResult[];
  /** Images that were optimised before. */
  readonly done: readonly RowResult[];
}

/** ReNO's are 50 evaluations, which is 49 steps of SGD. */
export interface BatchSettings extends VariableSettings, Pick<MaximiseSettings, 'evaluations' | 'watch' | 'room'> {
  /** How many images are optimised at once. */
  readonly batch: number;
  /** A fresh optimiser. */
  createStepper(): Stepper;
}

/**
 * Optimises all images of a request, each on its own and `batch` at a time, see `createObjective` and `maximise`. `report` is
 * awaited after each evaluation, and borrows what it is given; where it rejects, every tensor is freed. The caller owns the
 * snapshots of the result. Throws what `createObjective` and `maximise` throw.
 */
export async function maximiseBatches(
  parts: ObjectiveParts,
  settings: BatchSettings,
  report: (progress: BatchProgress) => Promise<void>,
): Promise<RowResult[]> {
  const { evaluations, watch, room = 0, batch } = settings;
  const count = parts.request.noise.seeds.length;
  const done: RowResult[] = [];
  try {
    for (let start = 0; start < count; start += batch) {
      const size = Math.min(batch, count - start);
      const part = sliceRequest(parts.request, start, size);
      const stepper = settings.createStepper();
      let objective: VariableObjective | undefined;
      try {
        objective = createObjective({ ...parts, request: part.request }, settings);
        const { penalty, project } = objective;
        const how = { evaluations, watch, room, stepper, ...(penalty && { penalty }), ...(project && { project }) };
        const rows = await maximise(objective, how, (evaluation, rows) => {
          const fraction = (start + (size * evaluation) / evaluations) / count;
          return report({ fraction, evaluation, start, rows, done });
        });
        done.push(...rows);
      } finally {
        objective?.dispose?.();
        stepper.dispose();
        dispose(part.tensors);
      }
    }
    return done;
  } catch (error) {
    disposeSnapshots(done);
    throw error;
  }
}
