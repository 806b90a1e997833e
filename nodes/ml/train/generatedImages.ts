import { type RandomStream, randomStream } from '../random.ts';
import {
  add,
  dispose,
  expandDims,
  mul,
  neg,
  type Scalar,
  scalar,
  slice,
  softmax,
  softplus,
  sub,
  sum,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor3d,
  tidy,
} from '../tf.ts';
import type { Weights } from '../weights/weights.ts';
import { falseCaption } from '../world/falseCaption.ts';
import { parsePrompt } from '../world/parsePrompt.ts';
import { SCENE_SIZE, sampleScene } from '../world/scene.ts';
import { type SegmentedObject, segmentedObjects, softSatisfaction } from '../world/segmentedObjects.ts';
import { type NamedImage, patchNaming } from './patchNaming.ts';

/** What draws the images that rewards learn to rank, and what sees what is in them. */
export interface GeneratedWorld {
  /** N prompts -> images [N, 64, 64, 3] in [0, 1], their noise from the stream. The caller owns them. */
  draw(prompts: readonly string[], random: RandomStream): Tensor4D;
  /** Images -> class logits of a segmentation network, [N, 64, 64, 7]. The caller owns them. */
  segment(pixels: Tensor4D): Tensor4D;
}

/** Images of one generator, several for each of some prompts. */
interface GeneratedGroup {
  /** The prompts that the images were drawn for, then each with one word changed. */
  readonly prompts: readonly string[];
  /** All of the first prompt, then all of the second ... */
  readonly images: readonly Float32Array[];
  /** What the network sees in each image. */
  readonly seen: readonly NamedImage[];
  /** How far each prompt is satisfied by each image, by what a segmentation network sees: [prompts][images] in [0, 1]. */
  readonly satisfied: readonly (readonly number[])[];
}

/** Groups that are drawn; a training goes round them, so that an image serves several steps, each time in another view. */
const GROUPS_KEPT = 2048;
/** The largest shift of a view, in pixels, and the largest deviation of its noise. */
const [largestShift, largestNoise] = [3, 0.03];
/** The difference of satisfaction that is worth one unit of score: sigmoid(difference / scale) is P(a before b). */
const SATISFACTION_SCALE = 0.1;

/** Groups of `prompts` prompts with `each` images, from the seed and the step alone; those already drawn are remembered. */
export function generatedGroups(world: GeneratedWorld, seed: number, prompts: number, each: number) {
  const kept = new Map<number, ReturnType<typeof drawGroup>>();
  return (step: number): GeneratedGroup => {
    const index = step % GROUPS_KEPT;
    const group = kept.get(index) ?? drawGroup(world, randomStream(seed * 2_000_003 + index), prompts, each);
    kept.set(index, group);
    const views = randomStream(seed * 3_000_017 + step);
    const shown = group.images.map((image, i) => viewOf(image, group.seen[i]!, views));
    return { ...group, images: shown.map(({ pixels }) => pixels), seen: shown.map(({ seen }) => seen) };
  };
}

function drawGroup({ draw, segment }: GeneratedWorld, random: RandomStream, count: number, each: number) {
  const scenes = Array.from({ length: count }, () => sampleScene(random));
  const prompts = [...scenes.map(({ caption }) => caption), ...scenes.map((scene) => falseCaption(scene, random))];
  const [drawn, classed] = tidy(() => {
    const images = draw(
      scenes.flatMap(({ caption }) => Array.from({ length: each }, () => caption)),
      random,
    );
    return [images, softmax(segment(images))];
  });
  const [pixels, probabilities] = [drawn.dataSync(), classed.dataSync()];
  dispose([drawn, classed]);
  const area = SCENE_SIZE * SCENE_SIZE;
  const classes = probabilities.length / (count * each * area);
  const images = Array.from({ length: count * each }, (_, i) => pixels.subarray(i * area * 3, (i + 1) * area * 3));
  const objects = images.map((image, i) =>
    segmentedObjects(probabilities.subarray(i * area * classes, (i + 1) * area * classes), image),
  );
  return {
    prompts,
    images: images.map((image) => Uint8Array.from(image, (value) => Math.round(value * 255))),
    seen: objects.map(namesOf),
    satisfied: satisfactionTable(prompts, objects),
  };
}

function namesOf(objects: readonly SegmentedObject[]): NamedImage {
  const masks = new Uint8Array(SCENE_SIZE * SCENE_SIZE);
  for (const [i, { region }] of objects.entries()) for (const pixel of region) masks[pixel] = i + 1;
  return { masks, objects: objects.map(({ shape, colour }) => ({ shape, colour })) };
}

function satisfactionTable(prompts: readonly string[], images: readonly (readonly SegmentedObject[])[]): number[][] {
  return prompts.map((prompt) => {
    const clauses = parsePrompt(prompt);
    return images.map((objects) => softSatisfaction(objects, clauses));
  });
}

/** The image in [0, 1], shifted by a few pixels with its border carried on, and with a little noise. */
function viewOf(image: Uint8Array, { masks, objects }: NamedImage, random: RandomStream) {
  const shift = () => random.integer(2 * largestShift + 1) - largestShift;
  const [dx, dy, deviation] = [shift(), shift(), largestNoise * random.uniform()];
  const inside = (value: number) => Math.min(SCENE_SIZE - 1, Math.max(0, value));
  const [pixels, moved] = [new Float32Array(image.length), new Uint8Array(masks.length)];
  for (let y = 0; y < SCENE_SIZE; y++)
    for (let x = 0; x < SCENE_SIZE; x++) {
      const [to, from] = [y * SCENE_SIZE + x, inside(y + dy) * SCENE_SIZE + inside(x + dx)];
      moved[to] = masks[from]!;
      for (let c = 0; c < 3; c++)
        pixels[to * 3 + c] = Math.min(1, Math.max(0, image[from * 3 + c]! / 255 + deviation * random.normal()));
    }
  return { pixels, seen: { masks: moved, objects } };
}

/** Prompts of a step, and images of each. */
const [promptCount, imagesEach] = [4, 8];

/** What a step ranks: prompts and images that go into the encoders after its own, and what they add to the loss. */
interface Ranked {
  readonly prompts: readonly string[];
  readonly images: readonly Float32Array[];
  /**
   * The surprise at how they rank, and at what the patches of the images show (see `patchNaming`).
   * @param scores [all prompts, all images] @param states the last ones of the vision encoder, [all images, T, C]
   * @param first the prompt and the image from which on they are those of this group
   */
  loss(
    scores: Tensor2D,
    states: Tensor3D,
    weights: Weights,
    first: { readonly prompt: number; readonly image: number },
  ): Scalar;
  dispose(): void;
}

/** Each step's images to rank, of a generated world; nothing where there is none. `weight`: of the naming of patches. */
export function rankedGroups(
  world: GeneratedWorld | undefined,
  { seed, patch, weight }: { readonly seed: number; readonly patch: number; readonly weight: number },
): (step: number) => Ranked {
  if (!world) return () => ({ prompts: [], images: [], loss: () => scalar(0), dispose: () => {} });
  const groupOf = generatedGroups(world, seed, promptCount, imagesEach);
  return (step) => {
    const { prompts, images, seen, satisfied } = groupOf(step);
    const pairs = pairWeights(satisfied, imagesEach);
    const naming = patchNaming(seen, patch);
    return {
      prompts,
      images,
      loss(scores, states, weights, first) {
        const ranked = slice(scores, [first.prompt, first.image], [prompts.length, images.length]) as Tensor2D;
        return add(pairSurprise(ranked, pairs), mul(naming.loss(states, weights, first.image), weight)) as Scalar;
      },
      dispose() {
        pairs.dispose();
        naming.dispose();
      },
    };
  };
}

/**
 * The weight of each pair of images for each prompt, [prompts, a, b]: in the half of the whole that falls to images which
 * were drawn for that prompt, and in the half of all others, in proportion to P(a before b) = sigmoid(difference / scale).
 */
export function pairWeights(satisfied: GeneratedGroup['satisfied'], each: number): Tensor3D {
  const [prompts, count] = [satisfied.length, satisfied[0]!.length];
  const values = new Float32Array(prompts * count * count);
  const drawnFor = (image: number) => Math.floor(image / each);
  const own = (prompt: number, a: number, b: number) =>
    drawnFor(a) === prompt % (count / each) && drawnFor(b) === drawnFor(a);
  for (const half of [true, false]) {
    const places: number[] = [];
    for (let prompt = 0; prompt < prompts; prompt++)
      for (let a = 0; a < count; a++)
        for (let b = 0; b < count; b++) {
          if (a === b || own(prompt, a, b) !== half) continue;
          const difference = satisfied[prompt]![a]! - satisfied[prompt]![b]!;
          // What is as good as tied says nothing.
          if (Math.abs(difference) < SATISFACTION_SCALE / 2) continue;
          const place = (prompt * count + a) * count + b;
          values[place] = 1 / (1 + Math.exp(-difference / SATISFACTION_SCALE));
          places.push(place);
        }
    for (const place of places) values[place]! *= 1 / places.length;
  }
  return tensor3d(values, [prompts, count, count]);
}

/** Cross-entropy of pairs: scores [prompts, images], weights [prompts, a, b] of -log sigmoid(s_a - s_b). */
export function pairSurprise(scores: Tensor2D, weights: Tensor3D): Scalar {
  const lead = sub(expandDims(scores, 2), expandDims(scores, 1));
  return sum(mul(softplus(neg(lead)), weights));
}
