import type { RandomStream } from '../random.ts';
import { alterComposition, alterContent } from '../world/alterScene.ts';
import { blemish, blemishes } from '../world/blemish.ts';
import { drawScene } from '../world/drawScene.ts';
import { composition, merit } from '../world/merit.ts';
import { type Scene, sampleScene } from '../world/scene.ts';
import { sceneTruth } from '../world/sceneTruth.ts';

/** In what the second image of a pair differs from the first. */
export const pairKinds = ['content', 'blemish', 'composition'] as const;
export type PairKind = (typeof pairKinds)[number];

interface ShownScene {
  readonly scene: Scene;
  /** See `blemish`. */
  readonly severity: number;
  readonly pixels: Float32Array;
}

interface PreferencePair {
  readonly kind: PairKind;
  readonly prompt: string;
  readonly images: readonly [ShownScene, ShownScene];
}

/** Differences of merit up to this are ties: neither learned nor counted. */
export const LEAST_DIFFERENCE = 0.2;

/** A prompt with an image of it, perhaps lightly spoiled, and that image changed in one way. */
export function samplePair(random: RandomStream): PreferencePair {
  const scene = sampleScene(random);
  const kind = pairKinds[random.integer(pairKinds.length)]!;
  const spoil = blemishes[random.integer(blemishes.length)]!;
  const light = random.uniform() < 0.5 ? 0 : 0.3 * random.uniform();
  const show = (of: Scene, severity: number): ShownScene => {
    const pixels = drawScene(of);
    return { scene: of, severity, pixels: severity === 0 ? pixels : blemish(pixels, spoil, severity, random) };
  };
  const changed = {
    content: () => show(alterContent(scene, random), light),
    blemish: () => show(scene, light + (1 - light) * (0.1 + 0.9 * random.uniform())),
    composition: () => show(alterComposition(scene, random), light),
  };
  return { kind, prompt: scene.caption, images: [show(scene, light), changed[kind]()] };
}

/** The merit of every image for every prompt, [prompts][images], see `merit`. */
export function meritTable(prompts: readonly string[], images: readonly ShownScene[]): number[][] {
  const truth = sceneTruth(
    images.map(({ scene }) => scene),
    prompts,
  );
  return prompts.map((_, prompt) =>
    images.map(({ scene, severity }, image) =>
      merit({
        satisfied: truth[image]![prompt]!.satisfied,
        clean: 1 - severity,
        composed: composition(scene),
      }),
    ),
  );
}
