import { describe, expect, it } from 'vitest';
import { latentNoise } from '../../../nodes/ml/random.ts';
import { memory } from '../../../nodes/ml/tf.ts';
import { openTestDevice } from '../../support/devices.ts';
import { stripeGenerator } from '../../support/stripeGenerator.ts';
import type { ConditionResult } from './consistency.ts';
import { countCalls } from './countCalls.ts';
import { curvesOf, drawCurves } from './curves.ts';
import { goalsOf } from './goals.ts';
import { chartOf, type Judging, markdownOf, rowsOf, tableOf, volumeGain } from './report.ts';
import { conditionMarkdownOf, conditionRowsOf, conditionTableOf } from './reportConsistency.ts';
import { type Result, trialsOf } from './trial.ts';

const result = (method: string, prompt: string, correct: boolean, changed: Partial<Result> = {}): Result => ({
  method,
  cell: '',
  task: prompt.startsWith('two') ? 'counting' : 'single',
  prompt,
  seed: 0,
  correct,
  satisfied: correct ? 1 : 0.5,
  scores: { colour: correct ? 2 : 1, truth: correct ? 1 : 0.5 },
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

const judging: Judging = {
  methods: { base: { optimises: [] }, other: { optimises: ['colour'] } },
  heldOut: ['truth'],
  calibrations: { colour: { mean: 0, deviation: 0.5 }, truth: { mean: 0.5, deviation: 0.25 } },
};

describe('the report of effects', () => {
  it('gives shares by task, their mean, and gains over the base', () => {
    const [base, other] = rowsOf(results, judging);
    expect(base).toMatchObject({ trials: 4, tasks: { single: 0.5, counting: 0 }, mean: 0.25, volume: undefined });
    expect(base!.gain).toEqual({ mean: 0, low: 0, high: 0 });
    expect(other).toMatchObject({ tasks: { single: 1, counting: 0 }, mean: 0.5, volume: 0.5, calls: 10 });
    expect(other!.gain.mean).toBe(0.25);
    expect(other!.gain.high).toBeLessThanOrEqual(0.5);
    expect(other!.scores.colour).toBeCloseTo(6 / 4, 9);
  });

  it('counts only trials that all methods have done', () => {
    const [base] = rowsOf([...results, result('base', 'a cross', true)], judging);
    expect(base!.trials).toBe(4);
  });

  it('gives gains of what is optimised and of what is held out in deviations, and how far they are apart', () => {
    const [base, other] = rowsOf(results, judging); // one image of four becomes right: 0.25 of colour, 0.125 of truth
    expect(base).toMatchObject({ heldOut: 0 });
    expect(base).not.toHaveProperty('gap');
    expect(other).toMatchObject({ optimised: 0.5, heldOut: 0.5, gap: 0 });
  });

  it('compares hypervolumes on the trials that both have', () => {
    const volumes = [
      ...results,
      result('third', 'a ring', true, { volume: 0.5 }),
      result('third', 'a star', true, { volume: 0.25 }),
    ];
    expect(volumeGain(volumes, 'third', 'other')).toEqual({ mean: -0.125, low: -0.5, high: 0.25 });
  });

  it('says of the preregistered methods how they stand against best of N at equal calls and time', () => {
    const rivals = {
      'ReNO 15': 'other',
      'best of 15: calls of ReNO 15': 'base',
      'best of N: time of ReNO 15': 'other',
    };
    const methods = {
      base: { optimises: [] },
      ...Object.fromEntries(Object.keys(rivals).map((name) => [name, { optimises: [] }])),
    };
    const lines = Object.entries({ base: 'base', ...rivals }).flatMap(([method, of]) =>
      results.filter((each) => each.method === of).map((each) => ({ ...each, method })),
    );
    expect(
      goalsOf(rowsOf(lines, { ...judging, methods }), [], 'ControlNet').map(({ reached, met }) => [reached, met]),
    ).toEqual([
      ['0.250', false], // its interval begins at 0
      ['0.250', true],
      ['0.000', true],
    ]);
  });

  it('draws curves over evaluations of methods that differ in nothing else', () => {
    const methods = {
      base: { optimises: [], curve: { name: 'ReNO', evaluations: 15 } },
      other: { optimises: [], curve: { name: 'ReNO', evaluations: 5 } },
    };
    const curves = curvesOf(rowsOf(results, { ...judging, methods }), methods);
    expect(curves.map(({ name, points }) => [name, points.map(({ evaluations }) => evaluations)])).toEqual([
      ['ReNO', [5, 15]],
    ]);
    expect(curves[0]!.points[0]!.gain.mean).toBe(0.25);
    expect(drawCurves(curves)).toMatch(/^<svg .*<polyline .*ReNO.*<\/svg>\n$/s);
  });

  it('says which goals are met, and how much was reached', () => {
    const named = { ...judging, methods: { 'one sample': { optimises: [] }, ReNO: { optimises: ['colour'] } } };
    const renamed = results.map((each) => ({ ...each, method: each.method === 'base' ? 'one sample' : 'ReNO' }));
    expect(goalsOf(rowsOf(renamed, named), [], 'ControlNet')).toEqual([
      { goal: 'one sample is between 0.35 and 0.75', reached: '0.250', met: false },
      { goal: 'ReNO is 0.12 above one sample', reached: '0.250', met: true },
    ]);
  });

  it('says the same in Markdown, CSV and SVG', () => {
    const rows = rowsOf(results, judging);
    const lines = markdownOf(rows).trim().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[3]).toContain('| other | 1.00 | 0.00 | 0.50 | +0.25 (+0.00 to +0.50) |');
    expect(new Set(lines.map((line) => line.split('|').length)).size).toBe(1);
    expect(tableOf(rows).trim().split('\r\n')).toHaveLength(3);
    expect(chartOf('gains', [{ label: 'other', gain: rows[1]!.gain }])).toMatch(/^<svg .*other.*<\/svg>\n$/s);
  });
});

describe('the report of conditions', () => {
  const line = (method: string, kind: ConditionResult['kind'], prompt: string, value: number): ConditionResult => ({
    ...{
      method,
      cell: '',
      kind,
      prompt,
      value,
      task: 'single',
      seed: 0,
      correct: true,
      satisfied: 1,
      seconds: 1,
      calls: 2,
    },
  });
  const lines = ['ControlNet', 'ControlNet + consistency reward'].flatMap((method, i) => [
    line(method, 'segmentation', 'a ring', 0.5 + 0.25 * i),
    line(method, 'segmentation', 'a star', 0.25 + 0.25 * i),
    line(method, 'edges', 'a ring', 0.5 - 0.25 * i),
    line(method, 'depth', 'a ring', 80 - 20 * i),
  ]);
  const methods = ['ControlNet', 'ControlNet + consistency reward'];

  it('gives each metric beside its difference from the plain ControlNet', () => {
    const rows = conditionRowsOf(lines, methods, 'ControlNet');
    expect(rows.map(({ values }) => values)).toEqual([
      { segmentation: 0.375, edges: 0.5, depth: 80 },
      { segmentation: 0.625, edges: 0.25, depth: 60 },
    ]);
    expect(rows[1]!.gains.segmentation).toEqual({ mean: 0.25, low: 0.25, high: 0.25 });
    const markdown = conditionMarkdownOf(rows).trim().split('\n');
    expect(markdown[3]).toBe(
      '| ControlNet + consistency reward | 0.625, +0.25 (+0.25 to +0.25) | 0.250, -0.25 | 60.0, -20.00 | 1.00 | 1.0 | 2 |',
    );
    expect(conditionTableOf(rows).trim().split('\r\n')).toHaveLength(3);
    expect(goalsOf([], rows, 'ControlNet').map(({ met }) => met)).toEqual([true, false, true]);
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

  it('have seeds of their own, a thousand each', () => {
    const seeds = trialsOf(12, 4).map(({ seed }) => seed);
    expect(new Set(seeds.map((seed) => Math.floor(seed / 1000))).size).toBe(288);
    expect(trialsOf(2, 1, 20_240, 1e9)[0]!.seed).toBe(1e9);
  });

  it('are as many as are asked for, also of tasks with few captions, and end with an error beyond', () => {
    const singles = trialsOf(36, 1).filter(({ task }) => task === 'single');
    expect(new Set(singles.map(({ prompt }) => prompt)).size).toBe(36);
    expect(singles.slice(0, 12).every(({ prompt }) => !prompt.includes('background'))).toBe(true);
    expect(() => trialsOf(80, 1)).toThrow('The task "single" has 60 prompts, and not 80.');
  });
});

describe('counting calls', () => {
  it('counts images times steps, twice with guidance, also where the reader leaves early', async () => {
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
