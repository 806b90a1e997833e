import type { SampleRequest } from '../../ports.ts';
import { partOfRequest } from '../diffusion/sampleImages.ts';
import { dispose } from '../tf.ts';
import { type ClimbSettings, climb, type Slope } from './climb.ts';
import { type Climbed, forget } from './climber.ts';
import type { Route } from './route.ts';

/** How far a climb is. */
export interface ClimbProgress {
  /** In [0, 1], over all images. */
  readonly fraction: number;
  /** The evaluation just done, from 1. */
  readonly evaluation: number;
  /** Images [start, start + rows.length) climb now. */
  readonly start: number;
  readonly rows: readonly Climbed[];
  /** Images that climbed before. */
  readonly done: readonly Climbed[];
}

export interface BatchSettings extends Pick<ClimbSettings, 'evaluations' | 'watch' | 'room'> {
  /** How many images climb at once. */
  readonly batch: number;
  /** A fresh optimiser. */
  route(): Route;
}

/** Some images of a request as a slope, with what belongs to the kind of variable. `dispose` frees what was made for it. */
export interface BatchSlope extends Slope, Pick<ClimbSettings, 'penalty' | 'project'> {
  dispose?(): void;
}

/**
 * Climbs all images of a request, `batch` at a time. `report` is awaited after each evaluation, and borrows what it is
 * given; where it rejects, every tensor is freed. The caller owns the moments of the result. Throws what `climb` throws.
 */
export async function climbBatches(
  request: SampleRequest,
  slopeOf: (part: SampleRequest) => BatchSlope,
  { evaluations, watch, room = 0, batch, route: newRoute }: BatchSettings,
  report: (progress: ClimbProgress) => Promise<void>,
): Promise<Climbed[]> {
  const count = request.noise.seeds.length;
  const done: Climbed[] = [];
  try {
    for (let start = 0; start < count; start += batch) {
      const size = Math.min(batch, count - start);
      const part = partOfRequest(request, start, size);
      const route = newRoute();
      let slope: BatchSlope | undefined;
      try {
        slope = slopeOf(part.request);
        const { penalty, project } = slope;
        const settings = { evaluations, watch, room, route, ...(penalty && { penalty }), ...(project && { project }) };
        const rows = await climb(slope, settings, (evaluation, rows) => {
          const fraction = (start + (size * evaluation) / evaluations) / count;
          return report({ fraction, evaluation, start, rows, done });
        });
        done.push(...rows);
      } finally {
        slope?.dispose?.();
        route.dispose();
        dispose(part.tensors);
      }
    }
    return done;
  } catch (error) {
    for (const { first, best } of done) for (const moment of [first, best]) forget(moment);
    throw error;
  }
}
