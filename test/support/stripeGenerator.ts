import { add, mul, sigmoid, type Tensor4D, tidy } from '../../nodes/ml/tf.ts';
import type { Denoising, Generator, SampleRequest } from '../../nodes/ports.ts';

/** Params of nodes that sample with it: one step, all else as its model says. */
export const sampling = {
  scheduler: 'model',
  schedule: 'model',
  timesteps: '',
  steps: 1,
  guidanceScale: -1,
  eta: 0,
  negativePrompt: '',
} as const;

/** Params of the node Noise: as in diffusers, all images. */
export const plainNoise = {
  noiseFrom: 'diffusers',
  ensd: 0,
  images: 'all',
  variationSeed: 0,
  variationStrength: 0,
} as const;

/**
 * A generator small enough to compute by hand: each step adds 1/4 of itself to the latents [N, h, w, 3], and decoding is
 * the logistic function, so pixel = sigmoid(noise * 1.25^steps). It counts how many images it denoises at once.
 */
export function stripeGenerator(): Generator & { readonly batches: number[] } {
  const batches: number[] = [];
  return {
    name: 'stripes',
    bytes: 0,
    differentiable: true,
    batches,
    defaults: { scheduler: 'euler', steps: 2, guidanceScale: 1, eta: 0, width: 8, height: 4 },
    latentShape: (width, height) => [height, width, 3],
    *denoise({ noise, settings: { steps } }: SampleRequest): Denoising {
      batches.push(noise.seeds.length);
      let latents: Tensor4D = mul(noise.latents, 1);
      try {
        for (let step = 1; step <= steps; step++) {
          const before = latents;
          latents = tidy(() => add(before, mul(before, 0.25)));
          before.dispose();
          yield { step, steps, latents, estimate: latents };
        }
        return mul(latents, 1);
      } finally {
        latents.dispose();
      }
    },
    decode: (latents) => sigmoid(latents),
    dispose: () => {},
  };
}
