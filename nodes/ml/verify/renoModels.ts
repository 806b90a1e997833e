import { UserError } from '../../errors.ts';
import { joinPath } from '../../files.ts';
import type { Generator, Reward } from '../../ports.ts';
import { clipTransform } from '../image/clipTransform.ts';
import { cosines } from '../models/clip.ts';
import { loadAesthetic } from '../models/load/loadAesthetic.ts';
import { loadClip } from '../models/load/loadClip.ts';
import { loadGenerator } from '../models/load/loadGenerator.ts';
import { loadImageReward } from '../models/load/loadImageReward.ts';
import { aestheticScore } from '../rewards/aestheticScore.ts';
import { exp, mul, type Tensor1D, type Tensor4D, tidy } from '../tf.ts';
import type { GoldenFolder } from './family.ts';
import { locateShared } from './goldenPath.ts';

/** What ReNO subtracts each reward from, so that its losses are above 0. Source: ReNO, rewards/*.py */
export const lossOffsets: Readonly<Record<string, number>> = {
  HPS: 1,
  ImageReward: 2,
  CLIP: 100,
  PickScore: 30,
  Aesthetic: 10,
};

type Score = (pixels: Tensor4D, prompts: readonly string[]) => Tensor1D;
interface Loaded {
  readonly score: Score;
  dispose(): void;
}

/** The generator and the rewards of a trajectory. */
interface RenoModels {
  readonly generator: Generator;
  /** In the order of their names. */
  readonly rewards: readonly Reward[];
  dispose(): void;
}

/** Loads them from the golden folders beside this one. After a failure nothing is left. */
export async function loadRenoModels(golden: GoldenFolder, names: readonly string[]): Promise<RenoModels> {
  const size = Number(golden.settings.image_size);
  const loaded: Loaded[] = [];
  const free = () => {
    for (const model of loaded) model.dispose();
  };
  try {
    for (const name of names) loaded.push(await loadScore(golden, name));
    const generator = await loadGenerator(golden.files, await locateShared(golden, 'tiny-sd-turbo'));
    const rewards = names.map((name, i): Reward => {
      const { score } = loaded[i]!;
      const scoreInTidy: Score = (pixels, prompts) => tidy(() => score(clipTransform(pixels, size), prompts));
      return { name, bytes: 0, differentiable: true, usualRange: [0, 1], score: scoreInTidy, dispose: () => {} };
    });
    const dispose = () => {
      generator.dispose();
      free();
    };
    return { generator, rewards, dispose };
  } catch (error) {
    free();
    throw error;
  }
}

/** A score of prepared images by its name in ReNO. Throws UserError `NOT_FOUND`. */
async function loadScore(golden: GoldenFolder, name: string): Promise<Loaded> {
  switch (name) {
    case 'HPS':
      return clipScore(golden, await openClipFile(golden), false);
    case 'CLIP':
      return clipScore(golden, await locateShared(golden, 'clip-hf/clip'), true);
    case 'PickScore':
      return clipScore(golden, await locateShared(golden, 'clip-hf/pickscore'), true);
    case 'ImageReward': {
      const { encodeImage, readPrompts, judge, dispose } = await loadImageReward(
        golden.files,
        await locateShared(golden, 'imagereward'),
      );
      return { score: (pixels, prompts) => judge(readPrompts(prompts, encodeImage(pixels))), dispose };
    }
    case 'Aesthetic': {
      const head = await locateShared(golden, 'aesthetic/real/ava+logos-l14-linearMSE.pth');
      const clip = await locateShared(golden, 'aesthetic/clip');
      const model = await loadAesthetic(golden.files, { head, clip });
      const score: Score = (pixels) => aestheticScore(model.clip.encodeImage(pixels).imageEmbeds, model.head);
      return { score, dispose: model.dispose };
    }
    default:
      throw new UserError(
        'NOT_FOUND',
        `case.json names the reward "${name}"; known are ${Object.keys(lossOffsets).join(', ')}.`,
      );
  }
}

/** HPSv2's tiny model, in the file that its code reads. */
async function openClipFile(golden: GoldenFolder): Promise<string> {
  const folder = await locateShared(golden, 'clip-openclip');
  const names = (await golden.files.list(folder)) ?? [];
  return joinPath(folder, names.find((name) => name.endsWith('.pt')) ?? 'open_clip_model.safetensors');
}

/** Cosine of image and prompt, times the model's scale where it is CLIP's or PickScore's. */
async function clipScore({ files }: GoldenFolder, path: string, scaled: boolean): Promise<Loaded> {
  const clip = await loadClip(files, path);
  const score: Score = (pixels, prompts) => {
    const cosine = cosines(clip.encodeImage(pixels).imageEmbeds, clip.encodePrompts(prompts));
    return scaled ? mul(cosine, exp(clip.logitScale)) : cosine;
  };
  return { score, dispose: clip.dispose };
}
