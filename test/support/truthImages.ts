import { type RandomStream, randomStream } from '../../nodes/ml/random.ts';
import type { PatchBasis } from '../../nodes/ml/train/patchBasis.ts';
import { detectObjects } from '../../nodes/ml/world/detectObjects.ts';
import { drawScene } from '../../nodes/ml/world/drawScene.ts';
import { falseCaption } from '../../nodes/ml/world/falseCaption.ts';
import { judgeObjects } from '../../nodes/ml/world/judgeImage.ts';
import { parsePrompt } from '../../nodes/ml/world/parsePrompt.ts';
import { SCENE_SIZE, type Scene, sampleScene } from '../../nodes/ml/world/scene.ts';
import { tasks } from '../../nodes/ml/world/words.ts';

export interface TruthImage {
  readonly scene: Scene;
  readonly pixels: Float32Array;
  /** Of the same task, but false: a shape, colour, count or relation is another one. */
  readonly wrongCaption: string;
}

/** Rendered images from a seed, all six tasks in turn, each with a caption that is not true of it. */
export function truthImages(count: number, seed: number): TruthImage[] {
  const random = randomStream(seed);
  return Array.from({ length: count }, (_, i) => {
    const scene = sampleScene(random, tasks[i % tasks.length]);
    return { scene, pixels: drawScene(scene), wrongCaption: falseCaption(scene, random) };
  });
}

export type Degrade = (pixels: Float32Array, random: RandomStream) => Float32Array;

const clamp = (pixels: Float32Array): Float32Array => pixels.map((value) => Math.min(1, Math.max(0, value)));

/** What happens to images on their way through a model or a file, in rough likeness. */
export const degradations = (basis: PatchBasis): Record<string, Degrade> => ({
  none: (pixels) => pixels,
  blur: (pixels) => blurred(pixels, 0.8),
  noise: (pixels, random) => clamp(pixels.map((value) => value + 0.03 * random.normal())),
  autoencoder: (pixels) => clamp(reconstructed(pixels, basis)),
  all: (pixels, random) =>
    clamp(blurred(reconstructed(pixels, basis), 0.6).map((value) => value + 0.03 * random.normal())),
});

/** A Gaussian of standard deviation sigma pixels, the borders carried on. */
export function blurred(pixels: Float32Array, sigma: number): Float32Array {
  const weights = [-3, -2, -1, 0, 1, 2, 3].map((x) => Math.exp(-(x ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pass = (from: Float32Array, stepX: number, stepY: number) =>
    from.map((_, i) => {
      const [channel, x, y] = [i % 3, Math.floor(i / 3) % SCENE_SIZE, Math.floor(i / 3 / SCENE_SIZE)];
      const near = (value: number) => Math.min(SCENE_SIZE - 1, Math.max(0, value));
      return (
        weights.reduce((sum, weight, k) => {
          const [column, row] = [near(x + (k - 3) * stepX), near(y + (k - 3) * stepY)];
          return sum + weight * from[(row * SCENE_SIZE + column) * 3 + channel]!;
        }, 0) / total
      );
    });
  return pass(pass(pixels, 1, 0), 0, 1);
}

/** Through the linear patch autoencoder and back. */
function reconstructed(pixels: Float32Array, { encoder, decoder }: PatchBasis): Float32Array {
  const [components, size] = [encoder.bias.length, decoder.bias.length];
  const p = Math.sqrt(size / 3);
  const result = new Float32Array(pixels.length);
  for (let patch = 0; patch < (SCENE_SIZE / p) ** 2; patch++) {
    const [left, top] = [(patch % (SCENE_SIZE / p)) * p, Math.floor(patch / (SCENE_SIZE / p)) * p];
    const at = (k: number) => ((top + Math.floor(k / (p * 3))) * SCENE_SIZE + left) * 3 + (k % (p * 3));
    const z = encoder.bias.map((bias, c) => {
      let sum = bias;
      for (let k = 0; k < size; k++) sum += encoder.weight[c * size + k]! * (pixels[at(k)]! * 2 - 1);
      return sum;
    });
    for (let k = 0; k < size; k++) {
      let x = decoder.bias[k]!;
      for (let c = 0; c < components; c++) x += decoder.weight[k * components + c]! * z[c]!;
      result[at(k)] = (x + 1) / 2;
    }
  }
  return result;
}

export interface JudgeFigures {
  /** Shares of images judged right against their own and against a wrong caption. */
  readonly own: number;
  readonly wrong: number;
  /** Own captions judged wrong, with what was seen. */
  readonly failures: readonly string[];
  /** Wrong captions judged right. */
  readonly slips: readonly string[];
  /** Shape drawn -> shape seen (or 'nothing') -> objects, of images with one object. */
  readonly confusion: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Of all objects found, ascending. */
  readonly confidences: readonly number[];
}

/** Judges every image, degraded, against both captions. */
export function judgeAll(images: readonly TruthImage[], degrade: Degrade, seed = 1): JudgeFigures {
  const random = randomStream(seed);
  const [failures, slips, confidences]: [string[], string[], number[]] = [[], [], []];
  const confusion: Record<string, Record<string, number>> = {};
  for (const [i, { scene, pixels, wrongCaption }] of images.entries()) {
    const seen = degrade(pixels, random);
    const found = detectObjects(seen);
    const said = found.map(({ colour, shape, confidence }) => `${colour} ${shape} ${confidence.toFixed(2)}`);
    confidences.push(...found.map(({ confidence }) => confidence));
    if (scene.objects.length === 1) {
      confusion[scene.objects[0]!.shape] ??= {};
      const row = confusion[scene.objects[0]!.shape]!;
      const name = found.length > 1 ? 'several' : (found[0]?.shape ?? 'nothing');
      row[name] = (row[name] ?? 0) + 1;
    }
    const own = judgeObjects(found, parsePrompt(scene.caption));
    const truth = `${i}: "${scene.caption}" (${scene.objects.map(({ colour, shape, radius }) => `${colour} ${shape} ${radius.toFixed(1)}`).join(', ')} on ${scene.background}) seen as ${said.join(', ') || 'nothing'}`;
    if (!own.correct) failures.push(`${truth}: ${own.reasons.join('; ')}`);
    if (judgeObjects(found, parsePrompt(wrongCaption)).correct) slips.push(`${truth}: "${wrongCaption}"`);
  }
  const share = (count: number) => count / images.length;
  return {
    own: 1 - share(failures.length),
    wrong: share(slips.length),
    failures,
    slips,
    confusion,
    confidences: confidences.sort((a, b) => a - b),
  };
}
