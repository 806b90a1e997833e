import type { Generator, SampleRequest } from '../../ports.ts';
import { customGrad, type Tensor4D } from '../tf.ts';

/**
 * How the gradient of pictures with respect to their noise is found: `exact` goes through the decoder and every step of
 * denoising; `decoder only` goes through the decoder and takes denoising for the identity, which is an approximation
 * (biased, but often uphill) at a fraction of the time and memory.
 */
export type NoiseGradient = 'exact' | 'decoder only';

/**
 * Pictures [N, H, W, 3] in [0, 1] of a request, in one go and without a pause, so that a gradient can run through it.
 * The caller owns the result. Throws what the generator throws.
 */
export function drawPictures(generator: Generator, request: SampleRequest, gradient: NoiseGradient): Tensor4D {
  const denoised = (latents: Tensor4D): Tensor4D => {
    const steps = generator.denoise({ ...request, noise: { ...request.noise, latents } });
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  };
  const straightThrough = customGrad((latents) => ({
    value: denoised(latents as Tensor4D),
    gradFunc: (dy: Tensor4D) => dy,
  }));
  const { latents } = request.noise;
  return generator.decode(gradient === 'exact' ? denoised(latents) : (straightThrough(latents) as Tensor4D));
}
