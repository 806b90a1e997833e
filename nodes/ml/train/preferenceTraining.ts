import { clipTransform } from '../image/clipTransform.ts';
import { clipConfig, clipShapes, cosineTable } from '../models/clip.ts';
import { type ClipTextConfig, clipText } from '../models/clipText.ts';
import { clipVision } from '../models/clipVision.ts';
import { randomStream } from '../random.ts';
import { add, dispose, exp, mul, type Scalar, slice, type Tensor2D, type Tensor3D, tensor3d, tidy } from '../tf.ts';
import { layoutOf } from './flatParameters.ts';
import { type GeneratedWorld, pairSurprise, rankedGroups } from './generatedImages.ts';
import { imageTensor } from './imageTensor.ts';
import { namedScene, patchNaming, patchNamingLayout } from './patchNaming.ts';
import { LEAST_DIFFERENCE, meritTable, samplePair } from './preferencePairs.ts';
import type { Training } from './trainStep.ts';
import { captionIds, worldClip } from './worldClip.ts';

interface PreferenceTrainingSettings {
  readonly seed: number;
  /** Images of a step, two a prompt. */
  readonly batch: number;
  /** Where given, every step ranks some of its images as well, see `rankedGroups`. */
  readonly generated?: GeneratedWorld;
}

/** Weight of the second task, see `patchNaming`. */
const NAMING_WEIGHT = 0.5;

/**
 * The built-in preference model: of two images the one of the greater merit for a prompt (see `merit`) shall score
 * higher, P(a before b) = sigmoid(s_a - s_b), s the cosine of image and prompt times a learned scale. It starts from
 * the weights of the built-in CLIP, as the published preference models start from published CLIPs.
 *
 * Loss: -log P, the mean over the pairs made for their prompt, plus the mean over all pairs of the batch for all of its
 * prompts, plus `namingWeight` times `patchNaming`, plus the surprise at how generated images rank, where there are any.
 * Source: Bradley and Terry 1952; arXiv 2305.01569 (PickScore), equations 1 and 2.
 */
export function preferenceTraining({ seed, batch, generated }: PreferenceTrainingSettings): Training {
  const config = clipConfig(worldClip.config);
  const idsOf = captionIds();
  const prompts = Math.max(1, Math.floor(batch / 2));
  const rankedOf = rankedGroups(generated, { seed, patch: config.vision.patch_size, weight: NAMING_WEIGHT });
  return {
    layout: [...layoutOf(clipShapes(config)), ...patchNamingLayout(config.vision.hidden_size)],
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const pairs = Array.from({ length: prompts }, () => samplePair(random));
      // The first of each pair, then the second of each.
      const images = [0, 1].flatMap((i) => pairs.map((pair) => pair.images[i as 0 | 1]));
      const captions = pairs.map(({ prompt }) => prompt);
      const ranked = rankedOf(step);
      const ids = idsOf([...captions, ...ranked.prompts]);
      const merits = meritTable(captions, images);
      const tensors = tidy(() => ({
        pixels: clipTransform(
          imageTensor([...images.map(({ pixels }) => pixels), ...ranked.images]),
          config.vision.image_size,
        ),
        own: wins(merits, (prompt, a, b) => a % prompts === prompt && b % prompts === prompt),
        all: wins(merits, () => true),
      }));
      const naming = patchNaming(
        pairs.map(({ images: [first] }) => namedScene(first.scene)),
        config.vision.patch_size,
      );
      return {
        loss(weights) {
          const { imageEmbeds, lastHiddenState } = clipVision(weights, config.vision)(tensors.pixels);
          const texts = clipText(weights, config.text as ClipTextConfig)(ids).textEmbeds as Tensor2D;
          const scores: Tensor2D = mul(cosineTable(texts, imageEmbeds), exp(weights.get('logit_scale'))); // [prompts, images]
          const made = slice(scores, [0, 0], [prompts, 2 * prompts]) as Tensor2D;
          const ranking = ranked.loss(scores, lastHiddenState, weights, { prompt: prompts, image: 2 * prompts });
          const pairwise = add(pairSurprise(made, tensors.own), pairSurprise(made, tensors.all));
          return add(add(pairwise, ranking), mul(naming.loss(lastHiddenState, weights), NAMING_WEIGHT)) as Scalar;
        },
        dispose() {
          dispose(tensors);
          ranked.dispose();
          naming.dispose();
        },
      };
    },
    dispose: () => {},
  };
}

/** [prompts, a, b]: equal weights that sum to 1 where a counts and has the greater merit, else 0. */
function wins(merits: number[][], counts: (prompt: number, a: number, b: number) => boolean): Tensor3D {
  const [prompts, images] = [merits.length, merits[0]!.length];
  const values = new Float32Array(prompts * images * images);
  let total = 0;
  for (const [prompt, of] of merits.entries())
    for (let a = 0; a < images; a++)
      for (let b = 0; b < images; b++) {
        if (!(of[a]! - of[b]! > LEAST_DIFFERENCE && counts(prompt, a, b))) continue;
        values[(prompt * images + a) * images + b] = 1;
        total++;
      }
  return tensor3d(
    values.map((value) => value / Math.max(1, total)),
    [prompts, images, images],
  );
}
