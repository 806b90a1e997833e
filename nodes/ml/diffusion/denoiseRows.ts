import type { Generator, SampleRequest, SampleStep } from '../../ports.ts';
import type { Tensor4D } from '../tf.ts';

/**
 * Runs a generator's denoising to its end; in each step, between the model's answer and the scheduler's step, `choose` says
 * which rows go on (undefined: all as they are) and is awaited. The caller owns the clean latents. Where `choose` rejects,
 * everything is freed.
 */
export async function denoiseRows(
  generator: Generator,
  request: SampleRequest,
  choose: (step: SampleStep) => Promise<readonly number[] | undefined>,
): Promise<Tensor4D> {
  const steps = generator.denoise({ ...request, choosesRows: true });
  try {
    let step = steps.next();
    while (!step.done) step = steps.next(await choose(step.value));
    return step.value;
  } finally {
    steps.return(undefined as never); // nothing is left to free where it is done
  }
}
