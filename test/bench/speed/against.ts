import { spawn } from 'node:child_process';
import { median } from './figures.ts';
import type { Subject } from './subject.ts';

/**
 * Measures alternately with another program. `--against CMD` is run by the shell once a round, while this program waits. It
 * finds in its environment
 *
 *   NOISELOOM_BENCH   what to measure: `forward`, `reno` or `sample`, see the benchmark of that name
 *   NOISELOOM_MODEL   the diffusers folder
 *   NOISELOOM_REWARD  the folder of the CLIP
 *
 * and prints the seconds of one iteration as a line with nothing but that number (the last such line counts); what else it
 * prints is ignored. It ends with 0.
 */
export interface Comparison {
  /** Medians of seconds. */
  readonly own: number;
  readonly other: number;
  /** Median of own over other in the same round. */
  readonly ratio: number;
}

export async function compare(
  bench: string,
  { against: command, folder, rewardFolder, rounds }: Subject,
  iterate: () => number | Promise<number>,
): Promise<Comparison | undefined> {
  if (!command) return undefined;
  const variables = { NOISELOOM_BENCH: bench, NOISELOOM_MODEL: folder, NOISELOOM_REWARD: rewardFolder };
  const pairs: { own: number; other: number }[] = [];
  for (let round = 0; round < rounds; round++)
    pairs.push({ other: await secondsOf(command, variables), own: await iterate() });
  const comparison = {
    own: median(pairs.map(({ own }) => own)),
    other: median(pairs.map(({ other }) => other)),
    ratio: median(pairs.map(({ own, other }) => own / other)),
  };
  const { own, other, ratio } = comparison;
  console.log(`${bench}: ${own.toFixed(3)} s; ${command}: ${other.toFixed(3)} s; ratio ${ratio.toFixed(2)}\n`);
  return comparison;
}

async function secondsOf(command: string, variables: Record<string, string>): Promise<number> {
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...variables },
  });
  let printed = '';
  child.stdout.on('data', (text) => {
    printed += text;
  });
  const code = await new Promise<number | null>((done, failed) => child.on('close', done).on('error', failed));
  const seconds = printed
    .split('\n')
    .filter((line) => /^\s*\d*\.?\d+(e-?\d+)?\s*$/i.test(line))
    .map(Number)
    .at(-1);
  if (code !== 0 || !seconds)
    throw new Error(`"${command}" ended with ${code} and ${seconds ? '' : 'without '}a line of seconds: ${printed}`);
  return seconds;
}
