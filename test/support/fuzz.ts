import { UserError } from '../../nodes/errors.ts';
import { randomStream } from '../../nodes/ml/random.ts';
import type { FuzzTarget } from './fuzzTargets.ts';

/** What an attempt may take: a reader that needs more can be held up by a stranger's file. */
const limits = { ms: 2000, bytes: 256 * 2 ** 20 } as const;

export interface FuzzOutcome {
  readonly accepted: number;
  readonly refused: number;
  /** Attempts that neither succeeded nor were refused as they must be, with the seeds that show them again. */
  readonly failures: readonly { readonly seed: number; readonly reason: string }[];
}

/** Attempts with the seeds from `first`. A refusal must be a UserError of at most 1,500 letters. */
export async function fuzz(target: FuzzTarget, first: number, count: number): Promise<FuzzOutcome> {
  let [accepted, refused] = [0, 0];
  const failures: { seed: number; reason: string }[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const attempt = target.attempt(randomStream(seed));
    const [began, memory] = [performance.now(), process.memoryUsage()];
    let reason: string | undefined;
    try {
      await attempt();
      accepted++;
    } catch (error) {
      refused++;
      if (!(error instanceof UserError))
        reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      else if (error.message.length > 1500) reason = `A message of ${error.message.length} letters`;
    }
    const ms = performance.now() - began;
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const bytes = heapUsed + arrayBuffers - memory.heapUsed - memory.arrayBuffers;
    if (ms > limits.ms) reason ??= `${ms.toFixed(0)} ms`;
    if (bytes > limits.bytes) reason ??= `${(bytes / 2 ** 20).toFixed(0)} MiB`;
    if (Object.keys(Object.prototype).length > 0) reason ??= 'Every object has a new key';
    if (reason !== undefined) failures.push({ seed, reason });
  }
  return { accepted, refused, failures };
}
