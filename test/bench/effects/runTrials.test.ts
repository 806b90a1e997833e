import { describe, expect, it } from 'vitest';
import type { Lines } from './openLines.ts';
import { blocksOf, runTrials } from './runTrials.ts';
import type { Made, Method, Outcome, Trial } from './trial.ts';

const trials: Trial[] = [0, 1].flatMap((seed) =>
  ['a', 'b', 'c'].map((prompt): Trial => ({ task: 'single', prompt, seed })),
);
const nothing = {} as Made; // no trial of these tests looks at its image

function contest(lines: Outcome[], stopAfter = Number.POSITIVE_INFINITY) {
  const given: string[] = [];
  let [calls, seen] = [0, 0];
  const method = (together: boolean): Method => ({
    together,
    optimises: [],
    async make(part) {
      given.push(part.map(({ prompt, seed }) => `${prompt}${seed}`).join(' '));
      calls += 10 * part.length;
      return part.map(() => nothing);
    },
  });
  const left: number[] = [];
  const kept: Lines<Outcome> = { all: lines, add: async (line) => void lines.push(line) };
  const run = runTrials<Trial, Made, Outcome>({
    trials,
    methods: { one: method(false), many: method(true) },
    lines: kept,
    batch: 2,
    calls: () => calls,
    judge: async (_made, trial, method, cost) => ({ ...trial, method, cell: '', correct: true, satisfied: 1, ...cost }),
    tell: (_line, { trials }) => {
      left.push(trials);
      return ++seen < stopAfter;
    },
  });
  return { run, given, left };
}

describe('giving trials to methods', () => {
  it('puts trials of one kind together, as many as are allowed', () => {
    expect(blocksOf(trials, 4).map((block) => block.length)).toEqual([4, 2]);
    const kinds = trials.map((trial, i) => ({ ...trial, kind: i < 3 ? 'edges' : 'depth' }));
    expect(blocksOf(kinds, 8).map((block) => block.length)).toEqual([3, 3]);
  });

  it('gives every trial to every method once, one at a time or together, and shares calls', async () => {
    const lines: Outcome[] = [];
    const { run, given, left } = contest(lines);
    expect(await run).toBe(true);
    expect(given).toEqual(['a0', 'b0', 'a0 b0', 'c0', 'a1', 'c0 a1', 'b1', 'c1', 'b1 c1']);
    expect(lines).toHaveLength(12);
    expect(lines.every(({ calls }) => calls === 10)).toBe(true);
    expect(left).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('stops where it is told to, and goes on with what is missing', async () => {
    const lines: Outcome[] = [];
    expect(await contest(lines, 3).run).toBe(false);
    expect(lines).toHaveLength(4); // those that were made together are all kept
    const again = contest(lines);
    expect(await again.run).toBe(true);
    expect(again.given[0]).toBe('c0');
    expect(new Set(lines.map(({ method, prompt, seed }) => `${method} ${prompt} ${seed}`)).size).toBe(12);
    expect(lines).toHaveLength(12);
  });
});
