import type { NodeContext } from '../../defineNode.ts';
import { sampleImages } from '../../ml/diffusion/sampleImages.ts';
import { drawPreview } from '../../ml/image/drawPreview.ts';
import type { Generator, Images, SampleRequest } from '../../ports.ts';

/** Draws the images of a request, `batch` at a time, and tells the node's progress after each step. Throws as `sampleImages`. */
export async function drawImages(
  generator: Generator,
  request: SampleRequest,
  batch: number,
  progress: NodeContext['progress'],
): Promise<Images> {
  const count = request.noise.seeds.length;
  await progress(0);
  return sampleImages(generator, request, batch, ({ step, steps, estimate }, done, images) => {
    const text =
      count > images
        ? `step ${step} of ${steps}, images ${done + 1} to ${done + images} of ${count}`
        : `step ${step} of ${steps}`;
    const preview = step < steps ? () => drawPreview(generator, estimate) : undefined;
    return progress((done + (images * step) / steps) / count, text, preview);
  });
}
