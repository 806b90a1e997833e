import { sampleImages } from '../../nodes/ml/diffusion/sampleImages.ts';
import { clipTransform } from '../../nodes/ml/image/clipTransform.ts';
import { cosines, cosineTable, unitRows } from '../../nodes/ml/models/clip.ts';
import type { imageUNet } from '../../nodes/ml/models/imageUNet.ts';
import type { LoadedClip, LoadedClipVision } from '../../nodes/ml/models/load/loadClip.ts';
import { linear } from '../../nodes/ml/nn/linear.ts';
import { latentNoise, randomStream } from '../../nodes/ml/random.ts';
import { argMax, dispose, type Tensor1D, type Tensor2D, type Tensor4D, tidy } from '../../nodes/ml/tf.ts';
import { sampleAppeal } from '../../nodes/ml/train/aestheticTraining.ts';
import { spoiled } from '../../nodes/ml/train/clipTraining.ts';
import { imageTensor } from '../../nodes/ml/train/imageTensor.ts';
import {
  LEAST_DIFFERENCE,
  meritTable,
  type PairKind,
  pairKinds,
  samplePair,
} from '../../nodes/ml/train/preferencePairs.ts';
import type { Weights } from '../../nodes/ml/weights/weights.ts';
import { classMap } from '../../nodes/ml/world/conditionImage.ts';
import { drawScene } from '../../nodes/ml/world/drawScene.ts';
import { falseCaption } from '../../nodes/ml/world/falseCaption.ts';
import { genevalScores, judgeImage } from '../../nodes/ml/world/judgeImage.ts';
import { parsePrompt } from '../../nodes/ml/world/parsePrompt.ts';
import { type Scene, sampleScene } from '../../nodes/ml/world/scene.ts';
import { depthMap, objectMasks } from '../../nodes/ml/world/sceneLabels.ts';
import { sceneTruth } from '../../nodes/ml/world/sceneTruth.ts';
import { shapes, tasks } from '../../nodes/ml/world/words.ts';
import type { Generator } from '../../nodes/ports.ts';

/* What the built-in models can do, measured on images that no training drew (see the seeds). */

const ratio = (hits: readonly boolean[]): number => hits.filter(Boolean).length / hits.length;

const embed = (
  clip: Pick<LoadedClipVision, 'encodeImage' | 'preprocessing'>,
  images: readonly Float32Array[],
): Tensor2D => clip.encodeImage(clipTransform(imageTensor(images), clip.preprocessing.size)).imageEmbeds;

/** Scenes of which each makes its own caption true and no other's. */
export function distinctScenes(count: number, seed: number): Scene[] {
  const random = randomStream(seed);
  const chosen: Scene[] = [];
  while (chosen.length < count) {
    const next = sampleScene(random);
    const [truth] = sceneTruth(
      [next],
      chosen.map(({ caption }) => caption),
    );
    const others = sceneTruth(chosen, [next.caption]);
    if (![...truth!, ...others.map(([judged]) => judged!)].some(({ correct }) => correct)) chosen.push(next);
  }
  return chosen;
}

/** Shares of images that find their caption, and of captions that find their image, among `count`. */
export function retrieval(clip: LoadedClip, count: number, sets: number) {
  const hits = Array.from({ length: sets }, (_, set) => {
    const scenes = distinctScenes(count, 900_000 + set);
    const [captions, images] = tidy(() => {
      const images = embed(
        clip,
        scenes.map((scene) => drawScene(scene)),
      );
      const table = cosineTable(images, clip.encodePrompts(scenes.map(({ caption }) => caption)));
      return [[...argMax(table, 1).dataSync()], [...argMax(table, 0).dataSync()]];
    });
    return { captions: captions.map((found, i) => found === i), images: images.map((found, i) => found === i) };
  });
  return {
    captions: ratio(hits.flatMap((each) => each.captions)),
    images: ratio(hits.flatMap((each) => each.images)),
  };
}

/** Shares of images that match their caption better than a false one, and of captions that match the whole image better than a broken one. */
export function discernment(clip: LoadedClip, count: number) {
  const random = randomStream(910_000);
  const scenes = Array.from({ length: count }, () => sampleScene(random));
  const whole = scenes.map((scene) => drawScene(scene));
  const broken = whole.map((pixels) => spoiled(pixels, 0.8 + 0.2 * random.uniform(), random));
  const wrong = scenes.map((scene) => falseCaption(scene, random));
  return tidy(() => {
    const own = clip.encodePrompts(scenes.map(({ caption }) => caption));
    const images = embed(clip, whole);
    const [right, other, torn] = [
      cosines(images, own),
      cosines(images, clip.encodePrompts(wrong)),
      cosines(embed(clip, broken), own),
    ].map((scores) => scores.dataSync()) as [Float32Array, Float32Array, Float32Array];
    return {
      caption: ratio([...right].map((score, i) => score > other[i]!)),
      whole: ratio([...right].map((score, i) => score > torn[i]!)),
    };
  });
}

/** Share of held-out pairs ranked by merit, of all and of each kind. */
export function pairAccuracy(clip: LoadedClip, count: number): Record<PairKind | 'all', number> {
  const random = randomStream(920_000);
  const hits = new Map<string, boolean[]>([...pairKinds, 'all'].map((kind) => [kind, []]));
  while (hits.get('all')!.length < count) {
    const pairs = Array.from({ length: 64 }, () => samplePair(random));
    const [first, second] = tidy(() => {
      const prompts = clip.encodePrompts(pairs.map(({ prompt }) => prompt));
      return [0, 1].map((i) =>
        cosines(
          embed(
            clip,
            pairs.map(({ images }) => images[i as 0 | 1].pixels),
          ),
          prompts,
        ).dataSync(),
      );
    });
    for (const [i, { kind, prompt, images }] of pairs.entries()) {
      const [a, b] = meritTable([prompt], images)[0] as [number, number];
      if (Math.abs(a - b) <= LEAST_DIFFERENCE) continue;
      const hit = a > b === first![i]! > second![i]!;
      for (const each of [kind, 'all']) hits.get(each)!.push(hit);
    }
  }
  return Object.fromEntries([...hits].map(([kind, of]) => [kind, ratio(of)])) as Record<PairKind | 'all', number>;
}

/** Images of a generator for prompts of all six tasks, some seeds each, and how far the exact judge finds each satisfied. */
export async function judgedImages(
  generator: Generator,
  promptsPerTask: number,
  seeds: number,
): Promise<JudgedImage[]> {
  const random = randomStream(950_000);
  const prompts = tasks.flatMap((task) =>
    Array.from({ length: promptsPerTask }, () => sampleScene(random, task).caption.replace(/ on an? .*$/, '')),
  );
  const shown = prompts.flatMap((prompt) => Array.from({ length: seeds }, () => prompt));
  const images = await drawImages(generator, shown, 200_000);
  return shown.map((prompt, i) => ({
    prompt,
    pixels: images[i]!,
    satisfied: judgeImage(images[i]!, prompt).satisfied,
  }));
}

export interface JudgedImage {
  readonly prompt: string;
  readonly pixels: Float32Array;
  /** In [0, 1], see `Judgement`. */
  readonly satisfied: number;
}

/** Share of pairs of images of one prompt, of those that the exact judge finds not equally good, that the CLIP ranks like it. */
export function rankedLikeJudge(clip: LoadedClip, images: readonly JudgedImage[]): number {
  const scores: number[] = [];
  for (let start = 0; start < images.length; start += 32) {
    const part = images.slice(start, start + 32);
    const [pixels, prompts] = [part.map((each) => each.pixels), part.map(({ prompt }) => prompt)];
    const table = tidy(() => cosines(embed(clip, pixels), clip.encodePrompts(prompts)));
    scores.push(...table.dataSync());
    table.dispose();
  }
  return shareOfPairs(images, scores);
}

/** Of pairs of images of one prompt that are not equally satisfied, the share whose scores differ in the same direction. */
export function shareOfPairs(
  images: readonly Pick<JudgedImage, 'prompt' | 'satisfied'>[],
  scores: readonly number[],
): number {
  const hits = images.flatMap(({ prompt, satisfied }, i) =>
    images.slice(0, i).flatMap((other, j) => {
      const difference = satisfied - other.satisfied;
      if (other.prompt !== prompt || Math.abs(difference) < 1e-6) return [];
      return [difference * (scores[i]! - scores[j]!) > 0];
    }),
  );
  return ratio(hits);
}

/** Pearson's correlation of the head's score with the rule that taught it. */
export function appealCorrelation(clip: LoadedClipVision, head: Weights, count: number): number {
  const random = randomStream(930_000);
  const shown = Array.from({ length: count }, () => sampleAppeal(random));
  const scores = tidy(() =>
    linear(
      unitRows(
        embed(
          clip,
          shown.map(({ pixels }) => pixels),
        ),
      ),
      head.at('layers.0'),
    ).dataSync(),
  );
  return correlation(
    [...scores],
    shown.map(({ value }) => value),
  );
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = (x: readonly number[], mx: number, y: readonly number[], my: number) =>
    mean(x.map((value, i) => (value - mx) * (y[i]! - my)));
  return product(a, meanA, b, meanB) / Math.sqrt(product(a, meanA, a, meanA) * product(b, meanB, b, meanB));
}

type Network = ReturnType<typeof imageUNet>;

/** Images with their scenes, spoiled up to half where `spoil` says so. */
function shownScenes(count: number, spoil: boolean) {
  const random = randomStream(940_000);
  const scenes = Array.from({ length: count }, () => sampleScene(random));
  const images = scenes.map((scene) => {
    const clean = drawScene(scene);
    return spoil ? spoiled(clean, 0.5 * random.uniform(), random) : clean;
  });
  return { scenes, images };
}

/** Outputs of all images one after the other, 16 at a time. */
function outputs(network: Network, images: readonly Float32Array[], read: (output: Tensor4D) => Tensor1D | Tensor4D) {
  const values: number[] = [];
  for (let i = 0; i < images.length; i += 16) {
    const output = tidy(() => read(network(imageTensor(images.slice(i, i + 16)))));
    for (const value of output.dataSync()) values.push(value); // outside of the tidy, which would look through each of them
    output.dispose();
  }
  return values;
}

/** Mean over the seven classes of |both| / |either|, pixels of all images pooled. */
export function poolIoU(network: Network, count: number, spoil: boolean): number {
  const { scenes, images } = shownScenes(count, spoil);
  const seen = outputs(network, images, (logits) => argMax(logits, 3));
  const truth = scenes.flatMap((scene) => [...classMap(scene)]);
  const shares = ['background', ...shapes].map((_, each) => {
    let [both, either] = [0, 0];
    for (const [pixel, of] of truth.entries()) {
      if (of === each && seen[pixel] === each) both++;
      if (of === each || seen[pixel] === each) either++;
    }
    return both / either;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Root mean square difference of inverse depths, which lie in [0, 1]. */
export function depthRmse(network: Network, count: number, spoil: boolean): number {
  const { scenes, images } = shownScenes(count, spoil);
  const seen = outputs(network, images, (depths) => depths);
  const truth = scenes.flatMap(({ objects }) => [...depthMap(objectMasks(objects), objects)]);
  return Math.sqrt(truth.reduce((sum, value, i) => sum + (value - seen[i]!) ** 2, 0) / truth.length);
}

/** GenEval's mean of images of `perTask` prompts of each task, one seed each, drawn as the model recommends. */
export async function genevalMean(generator: Generator, perTask: number): Promise<number> {
  const random = randomStream(4242);
  const prompts = tasks.flatMap((task) =>
    Array.from({ length: perTask }, () => sampleScene(random, task).caption.replace(/ on an? .*$/, '')),
  );
  const images = await drawImages(generator, prompts, 1000);
  const judged = prompts.map((prompt, i) => ({
    task: parsePrompt(prompt).task,
    ...judgeImage(images[i]!, prompt),
  }));
  return genevalScores(judged).mean!;
}

/** An image of each prompt, of seeds from `firstSeed` on, drawn as the model recommends: 64 * 64 * 3 values in [0, 1]. */
async function drawImages(
  generator: Generator,
  prompts: readonly string[],
  firstSeed: number,
): Promise<Float32Array[]> {
  const seeds = prompts.map((_, i) => firstSeed + i);
  const { width, height } = generator.defaults;
  const latents = latentNoise(seeds, generator.latentShape(width, height));
  const settings = { ...generator.defaults, eta: 0 };
  const request = { noise: { latents, seeds }, prompts, negativePrompt: '', settings, conditions: [] };
  const { pixels } = await sampleImages(generator, request, 32, async () => {});
  const values = (await pixels.data()) as Float32Array;
  dispose([latents, pixels]);
  const size = values.length / prompts.length;
  return prompts.map((_, i) => values.subarray(i * size, (i + 1) * size));
}
