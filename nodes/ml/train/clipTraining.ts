import { clipTransform } from '../image/clipTransform.ts';
import { clipConfig, clipShapes, cosineTable } from '../models/clip.ts';
import { type ClipTextConfig, clipText } from '../models/clipText.ts';
import { clipVision } from '../models/clipVision.ts';
import { type RandomStream, randomStream } from '../random.ts';
import {
  add,
  dispose,
  exp,
  logSoftmax,
  mul,
  neg,
  type Scalar,
  slice,
  sum,
  type Tensor2D,
  tensor2d,
  tidy,
  transpose,
} from '../tf.ts';
import { blemish, blemishes } from '../world/blemish.ts';
import { drawScene } from '../world/drawScene.ts';
import { falseCaption } from '../world/falseCaption.ts';
import { sampleScene } from '../world/scene.ts';
import { sceneTruth } from '../world/sceneTruth.ts';
import { layoutOf } from './flatParameters.ts';
import { type GeneratedWorld, rankedGroups } from './generatedImages.ts';
import { imageTensor } from './imageTensor.ts';
import { namedScene, patchNaming, patchNamingLayout } from './patchNaming.ts';
import type { Training } from './trainStep.ts';
import { captionIds, worldClip } from './worldClip.ts';

interface ClipTrainingSettings {
  readonly seed: number;
  /** Images of a step that have a caption. */
  readonly batch: number;
  /** Where given, every step ranks some of its images as well, see `rankedGroups`. */
  readonly generated?: GeneratedWorld;
}

/** Of a batch, the images that are shown once more, broken, and must match no caption. */
const BROKEN_SHARE = 0.25;
/** Weight of the second task, see `patchNaming`. */
const NAMING_WEIGHT = 0.5;

/**
 * The built-in CLIP: fresh scenes with their captions, half of them lightly spoiled, against each other's captions, a
 * false caption each (same words, another binding, count, place or colour) and broken images.
 *
 * Loss: the mean of both directions of InfoNCE at a learned temperature, plus `namingWeight` times `patchNaming`. A
 * caption that is true of another image of the batch does not count against it. Where there are generated images, plus the
 * surprise at how they rank.
 * Source: arXiv 2103.00020, figure 3; captions altered by rule arXiv 2210.01936, section 4.
 */
export function clipTraining({ seed, batch, generated }: ClipTrainingSettings): Training {
  const config = clipConfig(worldClip.config);
  const idsOf = captionIds();
  const broken = Math.round(batch * BROKEN_SHARE);
  const rankedOf = rankedGroups(generated, { seed, patch: config.vision.patch_size, weight: NAMING_WEIGHT });
  return {
    layout: [...layoutOf(clipShapes(config)), ...patchNamingLayout(config.vision.hidden_size)],
    batch(step) {
      const random = randomStream(seed * 1_000_003 + step);
      const scenes = Array.from({ length: batch }, () => sampleScene(random));
      const clean = scenes.map((scene) => drawScene(scene));
      const shown = clean.map((pixels) =>
        random.uniform() < 0.5 ? spoiled(pixels, 0.4 * random.uniform(), random) : pixels,
      );
      const ruined = clean.slice(0, broken).map((pixels) => spoiled(pixels, 0.8 + 0.2 * random.uniform(), random));
      const captions = [...scenes.map(({ caption }) => caption), ...scenes.map((scene) => falseCaption(scene, random))];
      const ranked = rankedOf(step);
      const ids = idsOf([...captions, ...ranked.prompts]);
      const truth = sceneTruth(scenes, captions).map((row) => row.map(({ correct }) => correct));
      const tensors = tidy(() => ({
        pixels: clipTransform(imageTensor([...shown, ...ruined, ...ranked.images]), config.vision.image_size),
        hiddenCaptions: hidden(batch, 2 * batch, (image, caption) => image !== caption && truth[image]![caption]!),
        hiddenImages: hidden(
          batch,
          batch + broken,
          (caption, image) => image < batch && image !== caption && truth[image]![caption]!,
        ),
      }));
      const naming = patchNaming(scenes.map(namedScene), config.vision.patch_size);
      return {
        loss(weights) {
          const { imageEmbeds, lastHiddenState } = clipVision(weights, config.vision)(tensors.pixels);
          const texts = clipText(weights, config.text as ClipTextConfig)(ids).textEmbeds as Tensor2D;
          const logits: Tensor2D = mul(cosineTable(imageEmbeds, texts), exp(weights.get('logit_scale'))); // [images, captions]
          const toCaption = ownLikelihood(slice(logits, [0, 0], [batch, 2 * batch]), tensors.hiddenCaptions);
          const toImage = ownLikelihood(
            transpose(slice(logits, [0, 0], [batch + broken, batch])),
            tensors.hiddenImages,
          );
          const matching = mul(neg(add(toCaption, toImage)), 0.5);
          const ranking = ranked.loss(transpose(logits), lastHiddenState, weights, {
            prompt: 2 * batch,
            image: batch + broken,
          });
          return add(add(matching, ranking), mul(naming.loss(lastHiddenState, weights), NAMING_WEIGHT)) as Scalar;
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

export function spoiled(pixels: Float32Array, severity: number, random: RandomStream): Float32Array {
  return blemish(pixels, blemishes[random.integer(blemishes.length)]!, severity, random);
}

/** Added to logits [rows, columns]: hugely negative where a pair must not count. */
function hidden(rows: number, columns: number, hide: (row: number, column: number) => boolean): Tensor2D {
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < values.length; i++) if (hide(Math.floor(i / columns), i % columns)) values[i] = -1e4;
  return tensor2d(values, [rows, columns]);
}

/** Mean over rows of the log-likelihood that softmax gives to column i of row i. logits [N, M], M >= N */
function ownLikelihood(logits: Tensor2D, mask: Tensor2D): Scalar {
  const [rows, columns] = logits.shape;
  const own = tensor2d(
    Float32Array.from({ length: rows * columns }, (_, i) => (i % columns === Math.floor(i / columns) ? 1 / rows : 0)),
    [rows, columns],
  );
  return sum(mul(logSoftmax(add(logits, mask) as Tensor2D), own)) as Scalar;
}
