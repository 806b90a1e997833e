import type { Lines } from './openLines.ts';
import type { Made, Method, Outcome, Trial } from './trial.ts';

type Cost = Pick<Outcome, 'seconds' | 'calls'>;

export interface Contest<OneTrial extends Trial, OneMade extends Made, Line extends Outcome> {
  readonly trials: readonly OneTrial[];
  readonly methods: Readonly<Record<string, Method<OneTrial, OneMade>>>;
  readonly lines: Lines<Line>;
  /** The most trials that are made at once. */
  readonly batch: number;
  /** Forward passes so far. */
  calls(): number;
  /** Judges one image and frees it. */
  judge(made: OneMade, trial: OneTrial, method: string, cost: Cost): Promise<Line>;
  /** Told after each line; ends the contest early where it gives false. */
  tell(line: Line, left: { readonly trials: number; readonly seconds: number }): boolean;
}

/** What makes two trials the same. */
export const keyOf = ({ prompt, seed, kind = '' }: Trial & { readonly kind?: string }) => `${kind} ${seed} ${prompt}`;

/**
 * Gives each trial to each method, those that have a line already apart. Trials that are made at once share their time. Gives
 * whether the contest is through.
 */
export async function runTrials<OneTrial extends Trial, OneMade extends Made, Line extends Outcome>(
  contest: Contest<OneTrial, OneMade, Line>,
): Promise<boolean> {
  const { trials, methods, lines, batch, calls, judge, tell } = contest;
  const done = new Set(lines.all.map((line) => `${line.method} ${keyOf(line)}`));
  const isDone = (method: string, trial: OneTrial) => done.has(`${method} ${keyOf(trial)}`);
  for (const block of blocksOf(trials, batch)) {
    for (const [name, method] of Object.entries(methods)) {
      const pending = block.filter((trial) => !isDone(name, trial));
      for (const part of method.together ? [pending] : pending.map((trial) => [trial])) {
        if (part.length === 0) continue;
        const [before, start] = [calls(), performance.now()];
        const made = await method.make(part);
        const seconds = (performance.now() - start) / 1000 / part.length;
        const cost = { seconds, calls: (calls() - before) / part.length };
        let goOn = true;
        for (const [i, trial] of part.entries()) {
          const line = await judge(made[i]!, trial, name, cost);
          await lines.add(line);
          done.add(`${name} ${keyOf(trial)}`);
          goOn = tell(line, leftOf(trials, Object.keys(methods), isDone, lines.all));
        }
        if (!goOn) return false;
      }
    }
  }
  return true;
}

/** Successive trials of one kind, at most `batch` together. */
export function blocksOf<OneTrial extends Trial & { readonly kind?: string }>(
  trials: readonly OneTrial[],
  batch: number,
): OneTrial[][] {
  const blocks: OneTrial[][] = [];
  for (const trial of trials) {
    const block = blocks.at(-1);
    if (block && block.length < batch && block[0]!.kind === trial.kind) block.push(trial);
    else blocks.push([trial]);
  }
  return blocks;
}

/** How many trials of all methods are left, and how long they take if they go on as so far; a method without a line counts as 0. */
function leftOf<OneTrial extends Trial>(
  trials: readonly OneTrial[],
  methods: readonly string[],
  isDone: (method: string, trial: OneTrial) => boolean,
  lines: readonly Outcome[],
): { trials: number; seconds: number } {
  const each = methods.map((method) => {
    const taken = lines.filter((line) => line.method === method).map(({ seconds }) => seconds);
    const mean = taken.length > 0 ? taken.reduce((sum, value) => sum + value, 0) / taken.length : 0;
    const count = trials.filter((trial) => !isDone(method, trial)).length;
    return { trials: count, seconds: count * mean };
  });
  return each.reduce((sum, { trials, seconds }) => ({ trials: sum.trials + trials, seconds: sum.seconds + seconds }));
}
