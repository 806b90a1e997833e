import { latentNoise } from '../../random.ts';
import { div, mean, mul, sqrt, square, type Tensor4D, tidy } from '../../tf.ts';
import type { StableDiffusionParts } from '../stableDiffusion.ts';

/**
 * What a U-Net predicts, found by asking it about pure noise at the last timestep: there noise is what it sees, so a
 * prediction of the noise agrees with the input, while v = sqrt(abar) noise - sqrt(1 - abar) clean is nearly -clean.
 * Source: arXiv 2202.00512, appendix D
 */
export async function predictedQuantity({
  unet,
  encodePrompt,
  latents,
}: Pick<StableDiffusionParts, 'unet' | 'encodePrompt'> & { readonly latents: { readonly channels: number } }): Promise<
  'epsilon' | 'v_prediction'
> {
  const correlation = tidy(() => {
    const noise = latentNoise([0], [32, 32, latents.channels]);
    const answer: Tensor4D = unet(noise, 999, encodePrompt('').context);
    return div(mean(mul(noise, answer)), sqrt(mul(mean(square(noise)), mean(square(answer)))));
  });
  const [value] = await correlation.data();
  correlation.dispose();
  return (value as number) > 0.5 ? 'epsilon' : 'v_prediction';
}
