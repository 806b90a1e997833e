import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runningCalibration, valueCalibration } from '../../../../nodes/ml/optimise/calibration.ts';
import { filterSamples } from '../../../../nodes/ml/optimise/filterSamples.ts';
import { type FindSettings, find, policyGradient, startPolicy } from '../../../../nodes/ml/optimise/find.ts';
import {
  addLogProbGradient,
  fromPolicy,
  type GaussianPolicy,
  keepSpread,
  meanLogProb,
  measurePolicy,
  standardPolicy,
} from '../../../../nodes/ml/optimise/gaussianPolicy.ts';
import { expectedReward, startValueNetwork, valueGradient } from '../../../../nodes/ml/optimise/valueNetwork.ts';
import { noiseSource, randomStream } from '../../../../nodes/ml/random.ts';

/** A policy of 5 elements with means in +-1 and deviations in [0.5, 1.5], a sample of it, and another such policy. */
const random = randomStream(11);
const somePolicy = () =>
  Float32Array.from({ length: 10 }, (_, i) => (i < 5 ? -1 : 0.5) + random.uniform() * (i < 5 ? 2 : 1));
const sample = (policy: GaussianPolicy) => fromPolicy(policy, new Float32Array(5).map(random.normal));

/** The slope of f at x along each axis, by central differences. */
const slopes = (f: (x: GaussianPolicy) => number, x: GaussianPolicy, step = 1e-3) =>
  [...x].map((_, i) => {
    const at = (h: number) => f(x.map((value, j) => (i === j ? value + h : value)));
    return (at(step) - at(-step)) / (2 * step);
  });

const near = (got: ArrayLike<number>, expected: readonly number[], digits: number) =>
  expected.forEach((value, i) => {
    expect(got[i], `element ${i}`).toBeCloseTo(value, digits);
  });

describe('the Gaussian policy', () => {
  it('has the log-density of independent normals, averaged', () => {
    const z = Float32Array.of(0.5, -1);
    const expected = -0.5 * Math.log(2 * Math.PI) - (0.5 * (0.25 + 1)) / 2;
    expect(meanLogProb(standardPolicy(2), z)).toBeCloseTo(expected, 6);
    expect(meanLogProb(Float32Array.of(0.5, -1, 2, 2), z)).toBeCloseTo(-0.5 * Math.log(2 * Math.PI) - Math.log(2), 6);
  });

  it('has the gradients of that density', () => {
    const policy = somePolicy();
    const z = sample(policy);
    const gradient = new Float32Array(10);
    addLogProbGradient(gradient, policy, z, 3);
    near(
      gradient,
      slopes((x) => 3 * meanLogProb(x, z), policy),
      3,
    );
  });

  it('keeps deviations above the floor and tells how far it is from plain noise', () => {
    const policy = Float32Array.of(3, -4, -1, 0.5);
    keepSpread(policy);
    expect([...policy]).toEqual([3, -4, Math.fround(1e-4), 0.5]);
    expect(measurePolicy(Float32Array.of(3, -4, 1, 0.5))).toEqual({ drift: Math.sqrt(12.5), spread: 0.75 });
  });
});

describe("the gradient of FIND's loss", () => {
  const settings = { clip: 0.2, prior: 0.05 };
  const lossOf = (old: GaussianPolicy, z: Float32Array, advantage: number) => (policy: GaussianPolicy) => {
    const ratio = Math.exp(meanLogProb(policy, z) - meanLogProb(old, z));
    const clipped = Math.min(1.2, Math.max(0.8, ratio));
    const prior = policy.reduce((sum, value, i) => sum + (value - (i < 5 ? 0 : 1)) ** 2, 0) / 5;
    return -10 * Math.min(ratio * advantage, clipped * advantage) + settings.prior * prior;
  };

  it.each([1, -1])('is that of the clipped surrogate and the prior, advantage %i', (advantage) => {
    let clipped = 0;
    for (let trial = 0; trial < 40; trial++) {
      const old = somePolicy();
      const policy = old.map((value) => value + 0.8 * (random.uniform() - 0.5));
      const z = sample(old);
      const ratio = Math.exp(meanLogProb(policy, z) - meanLogProb(old, z));
      if (Math.abs(Math.abs(ratio - 1) - 0.2) < 0.01) continue; // no slope at the corner itself
      if (advantage > 0 ? ratio > 1.2 : ratio < 0.8) clipped++;
      const experience = { noise: z, advantage, logProb: meanLogProb(old, z) };
      near(policyGradient(policy, [experience], settings), slopes(lossOf(old, z, advantage), policy), 2);
    }
    expect(clipped).toBeGreaterThan(0);
  });
});

describe('the calibrations', () => {
  it('by a running mean, gives advantages in units of the deviation', () => {
    const calibrate = runningCalibration();
    near(calibrate(standardPolicy(1), [1, 3]), [-1, 1], 5);
    const mean = 0.9 * 2 + 0.1 * 5; // 2.3
    const deviation = Math.sqrt(0.9 * 1 + 0.1 * ((4 - mean) ** 2 / 2 + (6 - mean) ** 2 / 2));
    near(calibrate(standardPolicy(1), [4, 6]), [(4 - mean) / deviation, (6 - mean) / deviation], 5);
    expect(runningCalibration()(standardPolicy(1), [7])).toEqual([0]);
  });

  it('by a network, comes to expect the rewards it sees', () => {
    const calibrate = valueCalibration(8, 3);
    const policy = standardPolicy(4);
    const first = Math.abs(calibrate(policy, [5, 5])[0]!);
    for (let i = 0; i < 200; i++) calibrate(policy, [5, 5]);
    expect(Math.abs(calibrate(policy, [5, 5])[0]!)).toBeLessThan(0.05 * first);
  });

  it('has a network with the gradient of its squared error', () => {
    const parameters = startValueNetwork(4, randomStream(5));
    const experiences = [
      { policy: Float32Array.of(0.3, -0.2, 1, 0.9), rewards: [1, 2] },
      { policy: Float32Array.of(-0.5, 0.1, 1.2, 0.7), rewards: [-1] },
    ];
    const error = (p: Float32Array<ArrayBuffer>) =>
      experiences
        .flatMap(({ policy, rewards }) => rewards.map((r) => (expectedReward(p, policy) - r) ** 2))
        .reduce((a, b) => a + b) / 3;
    const gradient = valueGradient(parameters, experiences);
    const norm = Math.hypot(...gradient.filter((value) => value !== 0));
    const direction = gradient.map((value) => value / norm);
    const at = (h: number) => error(parameters.map((value, i) => value + h * direction[i]!));
    const slope = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
    expect((at(0.01) - at(-0.01)) / 0.02 / slope).toBeCloseTo(1, 1);
  });
});

describe('the PF-PPO filters', () => {
  it('keep the best, and one other where they say so', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2, maxLength: 8 }),
        fc.nat(),
        (rewards, seed) => {
          const of = (filter: Parameters<typeof filterSamples>[1]) =>
            filterSamples(rewards, filter, randomStream(seed));
          const [best, worst] = [Math.max(...rewards), Math.min(...rewards)];
          expect(of('all')).toEqual([...rewards.keys()]);
          expect(of('best').map((i) => rewards[i])).toEqual([best]);
          expect(of('best and worst').map((i) => rewards[i])).toEqual([best, worst]);
          const [first, other] = of('best and random');
          expect(rewards[first!]).toBe(best);
          expect(other).not.toBe(first);
          expect(rewards[other!]).toBeDefined();
        },
      ),
      { seed: 7 },
    );
    expect(filterSamples([3], 'best and worst', random)).toEqual([0]);
  });
});

describe('FIND', () => {
  const settings: FindSettings = {
    seed: 1,
    iterations: 150,
    samples: 4,
    filter: 'all',
    learningRate: 0.02,
    clip: 0.2,
    reuse: 6,
    prior: 0.01,
    calibration: 'running mean',
  };
  const d = 8;
  /** Runs it on the reward -|z - 1|^2 / d and gives the mean rewards of the iterations. */
  function run(changed: Partial<FindSettings>) {
    const policy = startPolicy(d);
    const search = find(policy, { ...settings, ...changed }, (seed) => noiseSource(seed)(d + 8).subarray(0, d));
    const means: number[] = [];
    for (let ask = search.next([]); !ask.done; ) {
      const rewards = ask.value.queries.map(({ noise }) => -noise.reduce((sum, z) => sum + (z - 1) ** 2, 0) / d);
      means.push(rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length);
      ask = search.next(rewards);
    }
    return { policy: policy.parameters, means };
  }
  const late = (means: readonly number[]) => means.slice(-20).reduce((sum, value) => sum + value, 0) / 20;

  it.each(['value network', 'running mean'] as const)(
    'moves the distribution to where rewards are, by a %s',
    (calibration) => {
      const { policy, means } = run({ calibration });
      expect(late(means)).toBeGreaterThan(-1.1); // plain noise gives -2 on average
      expect(policy.subarray(0, d).reduce((sum, mean) => sum + mean, 0) / d).toBeGreaterThan(0.4);
      expect(policy.every(Number.isFinite)).toBe(true);
    },
  );

  it.each(['best', 'best and random', 'best and worst'] as const)('learns from %s alone', (filter) => {
    expect(late(run({ filter }).means)).toBeGreaterThan(-1.3);
  });

  it('stays at plain noise where all rewards are equal, and where the prior is strong', () => {
    const policy = startPolicy(d);
    const search = find(policy, { ...settings, iterations: 20 }, (seed) => noiseSource(seed)(16).subarray(0, d));
    for (let ask = search.next([]); !ask.done; ask = search.next(ask.value.queries.map(() => 5)));
    expect([...policy.parameters]).toEqual([...standardPolicy(d)]);
    expect(measurePolicy(run({ prior: 1000 }).policy).drift).toBeLessThan(0.1);
  });

  it('is the same each time', () => {
    expect(run({}).means).toEqual(run({}).means);
    expect(run({}).means).not.toEqual(run({ seed: 2 }).means);
  });
});
