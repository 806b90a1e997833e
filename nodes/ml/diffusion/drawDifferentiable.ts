import type { Generator, SampleRequest } from '../../ports.ts';
import { customGrad, type Tensor4D } from '../tf.ts';

/**
 * How the gradient of images with respect to their noise is found: `exact` goes through the decoder and every step of
 * denoising; `decoder only` goes through the decoder and takes denoising for the identity, which is an approximation
 * (biased, but often uphill) at a fraction of the time and memory.
 */
export type NoiseGradient = 'exact' | 'decoder only';

/**
 * Images [N, H, W, 3] in [0, 1] of a request, in one go and without a pause, so that a gradient can run through it.
 * The caller owns the result. Throws what the generator throws.
 */
export function drawDifferentiable(generator: Generator, request: SampleRequest, gradient: NoiseGradient): Tensor4D {
  if (gradient === 'exact') return generator.decode(cleanLatents(generator, request));
  const straightThrough = customGrad((latents) => ({
    value: cleanLatents(generator, { ...request, noise: { ...request.noise, latents: latents as Tensor4D } }),
    gradFunc: (dy: Tensor4D) => dy,
  }));
  return generator.decode(straightThrough(request.noise.latents) as Tensor4D);
}

/** The clean latents [N, h, w, c] of a request, likewise. The caller owns them. */
export function cleanLatents(generator: Generator, request: SampleRequest): Tensor4D {
  const steps = generator.denoise(request);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}
