import { randomStream } from '../../../nodes/ml/random.ts';
import { sampleScene } from '../../../nodes/ml/world/scene.ts';
import { type Task, tasks } from '../../../nodes/ml/world/words.ts';
import type { Images, Noise } from '../../../nodes/ports.ts';

/** What every method is given once. */
export interface Trial {
  readonly task: Task;
  readonly prompt: string;
  readonly seed: number;
}

/** One image and its noise, which the caller owns. */
export interface Made {
  readonly images: Images;
  readonly noise: Noise;
}

/** A way to make an image for a trial. */
export interface Method<OneTrial extends Trial = Trial, OneMade extends Made = Made> {
  /** Whether images of several trials are made at once; else it is given one at a time. */
  readonly together: boolean;
  /** Names of the rewards that it optimises. */
  readonly optimises: readonly string[];
  /** One image a trial, in their order; trials that come together have one seed. */
  make(trials: readonly OneTrial[]): Promise<OneMade[]>;
}

/** What a method made of a trial, as the exact judge sees it, and what that took. */
export interface Outcome extends Trial {
  readonly method: string;
  /** By GenEval's rules, and the mean over conditions of how far each is met. */
  readonly correct: boolean;
  readonly satisfied: number;
  readonly seconds: number;
  /** Forward passes of the denoiser, an image and a step each; backward passes do not count. */
  readonly calls: number;
}

/** A line of results.jsonl. */
export interface Result extends Outcome {
  /** By every reward that judges, optimised or held out. */
  readonly scores: Readonly<Record<string, number>>;
  /** Length of the noise over that of standard normal noise. */
  readonly length: number;
  /** Where a population sought the image: hypervolume of what it saw, see `volumeOf`. */
  readonly volume?: number;
}

/** Prompts of all six tasks in turn, no two alike, each with some seeds: seeds change slowest, so that an early stop is fair. */
export function trialsOf(promptsPerTask: number, seeds: number, stream = 20_240): Trial[] {
  const random = randomStream(stream);
  const prompts = tasks.flatMap((task) => {
    const captions = new Set<string>();
    while (captions.size < promptsPerTask) captions.add(sampleScene(random, task).caption.replace(/ on an? .*$/, ''));
    return [...captions].map((prompt, i) => ({ task, prompt, i }));
  });
  prompts.sort((a, b) => a.i - b.i);
  return Array.from({ length: seeds }, (_, seed) => prompts.map(({ task, prompt }) => ({ task, prompt, seed }))).flat();
}
