import { type RandomStream, randomStream } from '../../../nodes/ml/random.ts';
import { sampleScene } from '../../../nodes/ml/world/scene.ts';
import { type Task, tasks } from '../../../nodes/ml/world/words.ts';
import type { Images, Noise } from '../../../nodes/ports.ts';

/** What every method is given once. */
export interface Trial {
  readonly task: Task;
  readonly prompt: string;
  /** Of the noise that every method begins with; the seeds up to `seedsEach` above it are the trial's own, too. */
  readonly seed: number;
}

/** Seeds that a trial may use. */
export const seedsEach = 1000;

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
  /** Where others differ from it in evaluations alone: how they are called together, and its own evaluations. */
  readonly curve?: { readonly name: string; readonly evaluations: number };
  /** One image a trial, in their order. */
  make(trials: readonly OneTrial[]): Promise<OneMade[]>;
}

/** What a method made of a trial, as the exact judge sees it, and what that took. */
export interface Outcome extends Trial {
  readonly method: string;
  /** Whatever decided it, see `cellOf`. */
  readonly cell: string;
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

/**
 * Prompts of all six tasks in turn, no two alike, each some times, every time from noise of its own: repeats change slowest,
 * so that an early stop is fair. Throws an Error where a task has not that many prompts.
 */
export function trialsOf(promptsPerTask: number, repeats: number, stream = 20_240, firstSeed = 0): Trial[] {
  const random = randomStream(stream);
  const prompts = tasks.flatMap((task) =>
    promptsOf(task, promptsPerTask, random).map((prompt, i) => ({ task, prompt, i })),
  );
  prompts.sort((a, b) => a.i - b.i);
  return Array.from({ length: repeats }, (_, repeat) =>
    prompts.map(({ task, prompt }, i) => ({
      task,
      prompt,
      seed: firstSeed + seedsEach * (repeat * prompts.length + i),
    })),
  ).flat();
}

/** Captions of a task without their backgrounds, no two alike; with them once there seem to be no others. */
function promptsOf(task: Task, count: number, random: RandomStream): string[] {
  const found = new Set<string>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 1000 * count) throw new Error(`The task "${task}" has ${found.size} prompts, and not ${count}.`);
    const { caption } = sampleScene(random, task);
    found.add(tries < 50 * count ? caption.replace(/ on an? .*$/, '') : caption);
  }
  return [...found];
}
