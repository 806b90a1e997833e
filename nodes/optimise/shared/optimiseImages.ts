import type { NodeContext, ParamValues } from '../../defineNode.ts';
import { labelImage, refuseOddConditions } from '../../ml/diffusion/sampleImages.ts';
import { maximiseBatches } from '../../ml/optimise/maximiseBatches.ts';
import type { ObjectiveParts } from '../../ml/optimise/objective.ts';
import type { RowResult } from '../../ml/optimise/rowState.ts';
import { buildTrace } from '../../ml/optimise/trace.ts';
import type { VariableSettings } from '../../ml/optimise/variables.ts';
import type { ImageLabel, Trace } from '../../ports.ts';
import { chooseBatch } from './chooseBatch.ts';
import { createStepper, type gradientParams, readWatchSettings } from './gradientParams.ts';
import { reportProgress } from './reportProgress.ts';

interface OptimiseSettings extends ParamValues<typeof gradientParams>, VariableSettings {
  /** Images at once; 0 is as many as memory has room for. */
  readonly batch: number;
}

interface OptimisedImages {
  /** One an image; the caller frees them by `disposeSnapshots`. */
  readonly rows: readonly RowResult[];
  readonly labels: readonly ImageLabel[];
  readonly trace: Trace;
  /** How many images were optimised at once. */
  readonly batch: number;
}

/**
 * What ReNO and Climb do: optimises each image of a request by the gradient of its rewards, and reports while it runs.
 * Throws UserError `ROWS_DIFFER` where condition images do not fit, else what `maximiseBatches` throws.
 */
export async function optimiseImages(
  parts: ObjectiveParts,
  settings: OptimiseSettings,
  context: NodeContext,
): Promise<OptimisedImages> {
  const { request } = parts;
  const { evaluations, variable } = settings;
  refuseOddConditions(request);
  const labels = request.noise.seeds.map((seed, i) => labelImage(parts.generator, request, seed, i));
  await context.progress(0);
  const { batch, room, remarks } = await chooseBatch(parts, settings, context);
  const how = { batch, room, watch: readWatchSettings(settings), createStepper: () => createStepper(settings) };
  const about = { evaluations, images: labels.length, labels };
  const rows = await maximiseBatches(parts, { ...settings, ...how }, (progress) =>
    reportProgress(progress, about, parts, context),
  );
  const trace = buildTrace(rows, parts, labels, `length of the ${variable}`);
  return { rows, labels, trace: { ...trace, remarks: [...remarks, ...trace.remarks] }, batch };
}
