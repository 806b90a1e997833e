import type { NodeContext } from '../../defineNode.ts';
import { sampleImages } from '../../ml/diffusion/sampleImages.ts';
import { previewOf } from '../../ml/image/previewOf.ts';
import type { Generator, Images, SampleRequest } from '../../ports.ts';

/** Draws the pictures of a request, `batch` at a time, and tells the node's progress after each step. Throws as `sampleImages`. */
export async function drawImages(
  generator: Generator,
  request: SampleRequest,
  batch: number,
  progress: NodeContext['progress'],
): Promise<Images> {
  const count = request.noise.seeds.length;
  await progress(0);
  return sampleImages(generator, request, batch, ({ step, steps, estimate }, done, pictures) => {
    const text =
      count > pictures
        ? `step ${step} of ${steps}, pictures ${done + 1} to ${done + pictures} of ${count}`
        : `step ${step} of ${steps}`;
    const preview = step < steps ? () => previewOf(generator, estimate) : undefined;
    return progress((done + (pictures * step) / steps) / count, text, preview);
  });
}
