import type { Generator, SampleRequest } from '../../ports.ts';
import { clone, type Tensor4D } from '../tf.ts';

/** Latents after every step, and the clean latents last. The caller owns them. */
export function denoiseAll(generator: Generator, request: SampleRequest): Tensor4D[] {
  const all: Tensor4D[] = [];
  const steps = generator.denoise(request);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return [...all, value];
    all.push(clone(value.latents));
  }
}
