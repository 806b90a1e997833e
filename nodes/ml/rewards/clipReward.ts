import type { Reward } from '../../ports.ts';
import { clipTransform } from '../image/clipTransform.ts';
import { cosines } from '../models/clip.ts';
import type { LoadedClip } from '../models/load/loadClip.ts';
import { cacheFeatures } from '../models/promptFeatures.ts';
import { concat, exp, mul, relu, type Tensor, type Tensor1D, tidy } from '../tf.ts';

/**
 * How the cosine c between image and prompt is scaled.
 *
 * | logits    | exp(logit scale) c, about 100 c: ReNO's CLIP reward, PickScore (arXiv 2305.01569, equation 1) |
 * | cosine    | c: HPSv2's score (arXiv 2306.09341), and CLIP score as ImageReward reports it                 |
 * | clipscore | 2.5 max(c, 0) with "A photo depicts " before the prompt: arXiv 2104.08718, equation 1         |
 */
export const clipScales = ['logits', 'cosine', 'clipscore'] as const;
export type ClipScale = (typeof clipScales)[number];

/** Prompts whose features are kept: a few kilobytes each. */
const CACHED_PROMPTS = 1024;

/** How well images fit their prompts, by a CLIP or a model of people's preference in its shape. It owns `clip`. */
export function clipReward(
  clip: LoadedClip,
  { name, scale, usualRange }: Pick<Reward, 'name' | 'usualRange'> & { readonly scale: ClipScale },
): Reward {
  const told = (prompt: string) => (scale === 'clipscore' ? `A photo depicts ${prompt}` : prompt);
  const features = cacheFeatures((prompt) => tidy(() => clip.encodePrompts([told(prompt)])), CACHED_PROMPTS);
  const scaled: Readonly<Record<ClipScale, (cosine: Tensor1D) => Tensor>> = {
    logits: (cosine) => mul(cosine, exp(clip.logitScale)),
    cosine: (cosine) => cosine,
    clipscore: (cosine) => mul(relu(cosine), 2.5),
  };
  const { size, ...transform } = clip.preprocessing;
  return {
    name,
    bytes: clip.bytes,
    differentiable: true,
    usualRange,
    unreadPart: (prompt) => clip.unreadPart(told(prompt)),
    score: (pixels, prompts) =>
      tidy(() => {
        const text = concat(prompts.map(features.of), 0); // [N, P]
        features.trim();
        const { imageEmbeds } = clip.encodeImage(clipTransform(pixels, size, transform)); // [N, P]
        return scaled[scale](cosines(imageEmbeds, text)) as Tensor1D;
      }),
    dispose() {
      features.dispose();
      clip.dispose();
    },
  };
}
