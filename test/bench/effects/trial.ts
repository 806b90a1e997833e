import { randomStream } from '../../../nodes/ml/random.ts';
import { sampleScene } from '../../../nodes/ml/world/scene.ts';
import { type Task, tasks } from '../../../nodes/ml/world/words.ts';

/** What every method is given once. */
export interface Trial {
  readonly task: Task;
  readonly prompt: string;
  readonly seed: number;
}

/** What a method made of a trial: a line of results.jsonl. */
export interface Result extends Trial {
  readonly method: string;
  /** By GenEval's rules, and the mean over conditions of how far each is met. */
  readonly correct: boolean;
  readonly satisfied: number;
  /** By every reward that judges, optimised or held out. */
  readonly scores: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Forward passes of the denoiser, a picture and a step each; backward passes do not count. */
  readonly calls: number;
  /** Length of the noise over that of standard normal noise. */
  readonly length: number;
  /** Where a population sought the picture: hypervolume of what it saw, every reward in units of its usual range above its low end. */
  readonly volume?: number;
}

/** Prompts of all six tasks in turn, no two alike, each with some seeds: seeds change slowest, so that an early stop is fair. */
export function trialsOf(promptsPerTask: number, seeds: number): Trial[] {
  const random = randomStream(20_240);
  const prompts = tasks.flatMap((task) => {
    const captions = new Set<string>();
    while (captions.size < promptsPerTask) captions.add(sampleScene(random, task).caption.replace(/ on an? .*$/, ''));
    return [...captions].map((prompt, i) => ({ task, prompt, i }));
  });
  prompts.sort((a, b) => a.i - b.i);
  return Array.from({ length: seeds }, (_, seed) => prompts.map(({ task, prompt }) => ({ task, prompt, seed }))).flat();
}
