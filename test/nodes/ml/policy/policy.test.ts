import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GaussianPolicy, standardPolicy } from '../../../../nodes/ml/optimise/gaussianPolicy.ts';
import { hybridGradient, leaveOneOut, squaredCorrelation } from '../../../../nodes/ml/policy/advantages.ts';
import { exp3, inverseGap, learnerShare } from '../../../../nodes/ml/policy/budget.ts';
import { facilityLocation, gaussianKernel, pickDiverse } from '../../../../nodes/ml/policy/diverseSet.ts';
import { expectedUtility, extensionLoss } from '../../../../nodes/ml/policy/front.ts';
import { divergence, mirrorLoss, mirrorStep } from '../../../../nodes/ml/policy/mirrorDescent.ts';
import { frequencyLoss, mixtureDensity, mixtureLoss } from '../../../../nodes/ml/policy/mixturePolicy.ts';
import { harpgStep, igtStep, type MomentumState, startMomentum } from '../../../../nodes/ml/policy/momentum.ts';
import {
  clippedLoss,
  k3,
  type PolicyLoss,
  posteriorLoss,
  propsLoss,
  ratios,
  remaxLoss,
  weighLogDensities,
  withPrior,
} from '../../../../nodes/ml/policy/surrogates.ts';
import { type RandomStream, randomStream } from '../../../../nodes/ml/random.ts';

const d = 4;
const draw = (random: RandomStream) => Float32Array.from({ length: d }, () => random.normal());
const policyOf = (random: RandomStream): GaussianPolicy =>
  Float32Array.from({ length: 2 * d }, (_, i) => (i < d ? 0.3 * random.normal() : 0.8 + 0.4 * random.uniform()));
const cases = { numRuns: 40, seed: 11 };
const seeds = fc.integer({ min: 0, max: 1e6 });
const rewardsOf = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 3, maxLength: 8 });

describe('losses of a policy', () => {
  it('have the gradient that finite differences show', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = randomStream(seed);
        const [policy, old] = [policyOf(random), policyOf(random)];
        const samples = Array.from({ length: 5 }, () => ({ noise: draw(random), advantage: random.normal() }));
        const rewards = samples.map(({ advantage }) => advantage);
        const losses: Record<string, (at: GaussianPolicy) => PolicyLoss> = {
          clipped: (at) => clippedLoss(at, old, samples, { clip: 0.4, density: 'mean' }),
          prior: (at) => withPrior(clippedLoss(at, old, samples, { clip: 0.4, density: 'sum' }), at, 10, 0.1),
          mirror: (at) => mirrorLoss(at, old, samples, 1.5),
          props: (at) => propsLoss(at, old, samples),
          remax: (at) => remaxLoss(at, samples, rewards, 0.3),
          posterior: (at) => posteriorLoss(at, old, samples, rewards, 0.7),
          divergence: (at) => divergence(at, old),
        };
        for (const [name, loss] of Object.entries(losses)) {
          const { gradient } = loss(policy);
          for (const i of [0, d - 1, d, 2 * d - 1]) {
            const at = (by: number) => loss(policy.map((each, j) => each + (i === j ? by : 0))).loss;
            const [near, far] = [(at(1e-3) - at(-1e-3)) / 2e-3, (at(2e-3) - at(-2e-3)) / 4e-3];
            if (Math.abs(near - far) > 0.01 * (1 + Math.abs(near))) continue; // a bound of the ratio lies between
            expect(Math.abs(gradient[i]! - near), `${name} ${i}`).toBeLessThan(0.02 * (1 + Math.abs(near)));
          }
        }
      }),
      cases,
    );
  });

  it('know no divergence of a policy from itself, and count it in nats over all elements', () => {
    const old = standardPolicy(d);
    expect(divergence(old, old).loss).toBeCloseTo(0, 9);
    const moved = old.map((each, i) => (i < d ? 0.5 : each)) as GaussianPolicy;
    expect(divergence(moved, old).loss).toBeCloseTo((d * 0.25) / 2, 6);
    expect(k3([1, 1])).toBe(0);
    expect(k3([0.5, 2])).toBeGreaterThan(0);
    expect(ratios(old, old, [{ noise: draw(randomStream(1)) }], 'sum')).toEqual([1]);
  });
});

describe('a step of mirror descent', () => {
  it('raises the advantage it follows, costs about what it may, and keeps deviations above 0', () => {
    fc.assert(
      fc.property(seeds, fc.double({ min: 0.01, max: 2, noNaN: true }), (seed, nats) => {
        const random = randomStream(seed);
        const old = policyOf(random);
        const noises = Array.from({ length: 6 }, () => ({ noise: draw(random) }));
        const gradient = weighLogDensities(old, noises, leaveOneOut(noises.map(() => random.normal())), 'sum');
        const moved = mirrorStep(old, gradient, nats);
        const gain = moved.reduce((sum, each, i) => sum + gradient[i]! * (each - old[i]!), 0);
        expect(gain).toBeGreaterThan(0);
        expect(Math.min(...moved.slice(d))).toBeGreaterThan(0);
        expect(divergence(moved, old).loss).toBeLessThan(3 * nats);
      }),
      cases,
    );
    const old = standardPolicy(d);
    expect(mirrorStep(old, new Float32Array(2 * d), 1)).toEqual(old);
  });

  it('solves the problem that it stands for: no other policy is better', () => {
    const random = randomStream(5);
    const old = policyOf(random);
    const gradient = Float32Array.from({ length: 2 * d }, () => random.normal());
    const squares = gradient.reduce((sum, each, i) => {
      const s = old[d + (i % d)]!;
      return sum + (each * s) ** 2 / (i < d ? 1 : 2);
    }, 0);
    const b = Math.sqrt(squares / (2 * 0.3));
    const value = (policy: GaussianPolicy) =>
      policy.reduce((sum, each, i) => sum + gradient[i]! * (each - old[i]!), 0) - b * divergence(policy, old).loss;
    const best = mirrorStep(old, gradient, 0.3);
    for (let i = 0; i < 50; i++)
      expect(value(best.map((each) => each + 0.05 * random.normal()) as GaussianPolicy)).toBeLessThanOrEqual(
        value(best),
      );
  });
});

describe('a mixture', () => {
  it('of one expert is that expert, and shares add up to 1', () => {
    const random = randomStream(2);
    const [a, b, z] = [policyOf(random), policyOf(random), draw(random)];
    const { logProb, shares } = mixtureDensity({ logits: [0.3, -0.2], experts: [a, b] }, z);
    expect(shares.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 9);
    expect(mixtureDensity({ logits: [0, -50], experts: [a, b] }, z).shares[0]).toBeCloseTo(1, 9);
    expect(Number.isFinite(logProb)).toBe(true);
  });

  it('has the gradients that finite differences show', () => {
    const random = randomStream(4);
    const [experts, logits] = [
      [policyOf(random), policyOf(random)],
      [0.4, -0.3],
    ];
    const samples = Array.from({ length: 4 }, () => ({ noise: draw(random), advantage: random.normal() }));
    const slopes = mixtureLoss({ logits, experts }, samples);
    const frequency = frequencyLoss(logits, [1, 3, 2]);
    for (const k of [0, 1]) {
      const at = (by: number) => logits.map((each, j) => each + (j === k ? by : 0));
      const change = (loss: (logits: number[]) => number) => (loss(at(1e-4)) - loss(at(-1e-4))) / 2e-4;
      expect(slopes.logits[k]).toBeCloseTo(
        change((moved) => mixtureLoss({ logits: moved, experts }, samples).loss),
        4,
      );
      expect(frequency.logits[k]).toBeCloseTo(
        change((moved) => frequencyLoss(moved, [1, 3, 2]).loss),
        4,
      );
      const moved = (by: number) =>
        experts.map((expert, j) => expert.map((each, i) => each + (j === k && i === 1 ? by : 0)) as GaussianPolicy);
      const loss = (by: number) => mixtureLoss({ logits, experts: moved(by) }, samples).loss;
      expect(slopes.experts[k]![1]).toBeCloseTo((loss(1e-2) - loss(-1e-2)) / 2e-2, 2);
    }
  });
});

describe('advantages', () => {
  it('of samples against the others add up to 0, and do not change with what is added to all', () => {
    fc.assert(
      fc.property(rewardsOf, (rewards) => {
        const advantages = leaveOneOut(rewards);
        expect(advantages.reduce((sum, each) => sum + each, 0)).toBeCloseTo(0, 6);
        for (const [i, each] of leaveOneOut(rewards.map((reward) => reward + 7)).entries())
          expect(each).toBeCloseTo(advantages[i]!, 6);
      }),
      cases,
    );
  });

  it('with a perfect critic need no samples, and without one are the plain gradient', () => {
    const random = randomStream(9);
    const policy = { mean: new Float32Array(d), deviation: new Float32Array(d).fill(1) };
    const samples = Array.from({ length: 6 }, () => draw(random));
    const critic = Float32Array.from([1, -2, 0.5, 3]);
    const rewards = samples.map((z) => z.reduce((sum, each, i) => sum + critic[i]! * each, 0));
    for (const [i, each] of hybridGradient(policy, samples, rewards, critic).entries())
      expect(each).toBeCloseTo(critic[i]!, 5);
    const plain = hybridGradient(policy, samples, rewards, new Float32Array(d));
    const shares = leaveOneOut(rewards);
    for (const i of plain.keys())
      expect(plain[i]).toBeCloseTo(
        samples.reduce((sum, z, j) => sum + (shares[j]! * z[i]!) / samples.length, 0),
        4,
      );
  });

  it('follow a reward as far as the squared correlation says', () => {
    expect(squaredCorrelation([1, 2, 3], [-2, -4, -6])).toBeCloseTo(1, 9);
    expect(squaredCorrelation([1, 2, 1, 2], [1, 1, 2, 2])).toBeCloseTo(0, 9);
    expect(squaredCorrelation([1, 1], [1, 2])).toBe(0);
  });
});

describe('a policy gradient with momentum', () => {
  it('comes near its goal', () => {
    const goal = [2, -1, 1, 0.5];
    const reward = (z: Float32Array) => -z.reduce((sum, each, i) => sum + (each - goal[i]!) ** 2, 0) / d;
    const away = ({ theta }: MomentumState) => Math.hypot(...theta.map((each, i) => each - goal[i]!));
    const random = randomStream(6);
    let [igt, harpg] = [startMomentum(new Float32Array(d)), startMomentum(new Float32Array(d))];
    const before = away(igt);
    for (let i = 0; i < 1000; i++) {
      igt = igtStep(igt, draw(random), reward);
      harpg = harpgStep(harpg, { noise: draw(random), second: draw(random), q: random.uniform() }, reward);
    }
    expect(away(igt)).toBeLessThan(before / 2);
    expect(away(harpg)).toBeLessThan(0.8 * before); // one noisy sample a step
  });
});

describe('sets, fronts and budgets', () => {
  it('pick greedily what adds most: gains fall, and the set is never below 1 - 1/e of the best', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = randomStream(seed);
        const kernel = gaussianKernel(Array.from({ length: 7 }, () => [2 * random.normal(), 2 * random.normal()]));
        const { order, gains } = pickDiverse(kernel, 3);
        expect(new Set(order).size).toBe(3);
        for (const [i, gain] of gains.slice(1).entries()) expect(gain).toBeLessThanOrEqual(gains[i]! + 1e-9);
        let best = 0;
        for (let a = 0; a < 7; a++)
          for (let b = 0; b < a; b++)
            for (let c = 0; c < b; c++) best = Math.max(best, facilityLocation(kernel, [a, b, c]));
        expect(facilityLocation(kernel, order)).toBeGreaterThanOrEqual((1 - 1 / Math.E) * best);
      }),
      cases,
    );
    expect(pickDiverse(gaussianKernel([[0], [5]]), 9).order).toHaveLength(2);
  });

  it('extend a front only inside its bounds, and value it by the best point for each weight', () => {
    const settings = { keep: 0.9, t: 20 };
    expect(extensionLoss([1, 0.85], [1, 1], 0, settings).loss).toBe(Number.POSITIVE_INFINITY);
    const at = (by: number) => extensionLoss([1, 1 + by], [1, 1], 0, settings);
    expect(at(0).gradient[1]).toBeCloseTo((at(1e-5).loss - at(-1e-5).loss) / 2e-5, 4);
    expect(expectedUtility([[1, 1]])).toBeCloseTo(1, 9);
    expect(
      expectedUtility([
        [1, 0],
        [0, 1],
      ]),
    ).toBeCloseTo(0.7525, 3);
  });

  it('give arms probabilities that add up to 1 and favour the better', () => {
    fc.assert(
      fc.property(rewardsOf, fc.double({ min: 0, max: 50, noNaN: true }), (values, gap) => {
        const p = inverseGap(values, gap);
        expect(p.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 9);
        expect(Math.min(...p)).toBeGreaterThan(0);
        expect(p[values.indexOf(Math.max(...values))]).toBeGreaterThanOrEqual(1 / values.length - 1e-9);
      }),
      cases,
    );
    const [a, b] = exp3([1, 1], 0, 0.8, 0.3);
    expect(a).toBeGreaterThan(b!);
    expect(exp3([1, 1], 0, 0, 0.3)).toEqual([1, 1]);
  });

  it('trust a learner as far as the mixture stays at what is needed', () => {
    expect(learnerShare({ learner: 1, base: 1.1, need: 0.9 })).toBe(1);
    expect(learnerShare({ learner: 0.7, base: 1.1, need: 0.9 })).toBeCloseTo(0.5, 9);
    expect(learnerShare({ learner: 0.4, base: 0.8, need: 0.9 })).toBe(0);
  });
});
