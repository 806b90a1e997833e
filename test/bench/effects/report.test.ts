import { describe, expect, it } from 'vitest';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { memory } from '../../../nodes/ml/tf.ts';
import { openTestDevice } from '../../support/devices.ts';
import { stripeGenerator } from '../../support/stripeGenerator.ts';
import { countCalls } from './countCalls.ts';
import { chartOf, markdownOf, rowsOf, tableOf } from './report.ts';
import { type Result, trialsOf } from './trial.ts';

const result = (method: string, prompt: string, correct: boolean, changed: Partial<Result> = {}): Result => ({
  method,
  task: prompt.startsWith('two') ? 'counting' : 'single',
  prompt,
  seed: 0,
  correct,
  satisfied: correct ? 1 : 0.5,
  scores: { colour: correct ? 2 : 1 },
  seconds: 2,
  calls: 10,
  length: 1,
  ...changed,
});
const results = [
  result('base', 'a ring', false),
  result('base', 'a star', true),
  result('base', 'two rings', false),
  result('base', 'two stars', false),
  result('other', 'a ring', true, { volume: 0.25 }),
  result('other', 'a star', true, { volume: 0.75 }),
  result('other', 'two rings', false, { volume: 0.5 }),
  result('other', 'two stars', false, { volume: 0.5 }),
];

describe('the report of effects', () => {
  it('gives shares by task, their mean, and gains over the base', () => {
    const [base, other] = rowsOf(results, ['base', 'other']);
    expect(base).toMatchObject({ trials: 4, tasks: { single: 0.5, counting: 0 }, mean: 0.25, volume: undefined });
    expect(base!.gain).toEqual({ mean: 0, low: 0, high: 0 });
    expect(other).toMatchObject({ tasks: { single: 1, counting: 0 }, mean: 0.5, volume: 0.5, calls: 10 });
    expect(other!.gain.mean).toBe(0.25);
    expect(other!.gain.high).toBeLessThanOrEqual(0.5);
    expect(other!.scores.colour).toBeCloseTo(6 / 4, 9);
  });

  it('counts only trials that all methods have done', () => {
    const [base] = rowsOf([...results, result('base', 'a cross', true)], ['base', 'other']);
    expect(base!.trials).toBe(4);
  });

  it('says the same in Markdown, CSV and SVG', () => {
    const rows = rowsOf(results, ['base', 'other']);
    const lines = markdownOf(rows).trim().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[3]).toContain('| other | 1.00 | 0.00 | 0.50 | +0.25 (+0.00 to +0.50) |');
    expect(new Set(lines.map((line) => line.split('|').length)).size).toBe(1);
    expect(tableOf(rows).trim().split('\r\n')).toHaveLength(3);
    expect(chartOf(rows)).toMatch(/^<svg .*other.*<\/svg>\n$/s);
  });
});

describe('trials', () => {
  it('are of all tasks in turn, each prompt with each seed once, the same each time', () => {
    const trials = trialsOf(12, 4);
    expect(trials).toHaveLength(6 * 12 * 4);
    expect(new Set(trials.map(({ prompt, seed }) => `${seed} ${prompt}`)).size).toBe(288);
    expect(new Set(trials.slice(0, 6).map(({ task }) => task)).size).toBe(6);
    expect(trialsOf(12, 4)).toEqual(trials);
  });
});

describe('counting calls', () => {
  it('counts pictures times steps, twice with guidance, also where the reader leaves early', async () => {
    await openTestDevice();
    const before = memory().numTensors;
    const latents = latentNoise([1, 2, 3], [4, 8, 3]);
    const { generator, calls } = countCalls(stripeGenerator());
    const settings = { scheduler: 'euler', steps: 4, guidanceScale: 1, eta: 0 };
    const request = {
      noise: { latents, seeds: [1, 2, 3] },
      prompts: ['x'],
      negativePrompt: '',
      settings,
      conditions: [],
    };
    const run = (guidanceScale: number, most: number) => {
      const steps = generator.denoise({ ...request, settings: { ...settings, guidanceScale } });
      for (let done = 0; done < most; done++) {
        const step = steps.next();
        if (!step.done) continue;
        step.value.dispose();
        return;
      }
      steps.return(undefined as never);
    };
    run(1, 99);
    expect(calls()).toBe(12);
    run(7.5, 99);
    expect(calls()).toBe(36);
    run(1, 2);
    expect(calls()).toBe(42);
    latents.dispose();
    expect(memory().numTensors).toBe(before);
  });
});
