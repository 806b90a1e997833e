import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  drawnParticles,
  drawSystematic,
  effectiveSize,
  potentials,
  sharesOf,
  startParticles,
  weighParticles,
} from '../../../../nodes/ml/optimise/particles.ts';

const reward = fc.double({ min: -3, max: 3, noNaN: true });
const weights = fc
  .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 })
  .filter((all) => all.some((weight) => weight > 0.01));

describe('particles', () => {
  it.each(potentials)('have the weight e^(lambda r) in the end, whatever was on the way: %s', (potential) => {
    fc.assert(
      fc.property(fc.array(reward, { minLength: 1, maxLength: 5 }), reward, reward, (way, first, second) => {
        const settings = { potential, strength: 2, isLast: false };
        let particles = startParticles(2, potential);
        for (const r of way) particles = weighParticles(particles, [r, -r], settings);
        particles = weighParticles(particles, [first, second], { ...settings, isLast: true });
        expect(particles[0]!.spent).toBeCloseTo(2 * first, 9);
        expect(particles[1]!.spent).toBeCloseTo(2 * second, 9);
        expect(particles[0]!.logWeight).toBeCloseTo(2 * first, 9); // never drawn
      }),
      { seed: 1 },
    );
  });

  it('weigh by the rise, the largest and the sum of their rewards', () => {
    const exponents = (potential: (typeof potentials)[number]) => {
      let particles = startParticles(1, potential);
      return [1, -2, 3].map((r) => {
        const before = particles[0]!.spent;
        particles = weighParticles(particles, [r], { potential, strength: 10, isLast: false });
        return particles[0]!.spent - before;
      });
    };
    expect(exponents('difference')).toEqual([10, -30, 50]);
    expect(exponents('max')).toEqual([10, 10, 30]);
    expect(exponents('sum')).toEqual([10, -10, 20]);
    const negative = weighParticles(startParticles(1, 'max'), [-2], { potential: 'max', strength: 1, isLast: false });
    expect(negative[0]!.spent).toBe(-2); // no reward is too small to count
  });

  it('all weigh the same at strength 0, and one without a reward has no weight', () => {
    const settings = { potential: 'difference' as const, strength: 0, isLast: false };
    const equal = weighParticles(startParticles(3, 'difference'), [5, -5, 1], settings);
    expect(sharesOf(equal.map(({ logWeight }) => logWeight))).toEqual([1 / 3, 1 / 3, 1 / 3]);
    const broken = weighParticles(startParticles(3, 'difference'), [Number.NaN, 1, Number.POSITIVE_INFINITY], settings);
    expect(sharesOf(broken.map(({ logWeight }) => logWeight))).toEqual([0, 1, 0]);
  });

  it('keep finite shares where weights are beyond any number', () => {
    expect(sharesOf([5000, 4000, 5000])).toEqual([0.5, 0, 0.5]);
    expect(effectiveSize([0.5, 0, 0.5])).toBe(2);
    expect(effectiveSize([0.25, 0.25, 0.25, 0.25])).toBe(4);
  });

  it('are drawn systematically: a share s of N gives N s copies up to rounding, in order, and none without a share', () => {
    fc.assert(
      fc.property(weights, fc.double({ min: 0, max: 0.999, noNaN: true }), (all, uniform) => {
        const shares = sharesOf(all.map(Math.log));
        const rows = drawSystematic(shares, uniform);
        expect(rows).toHaveLength(shares.length);
        expect(rows).toEqual([...rows].sort((a, b) => a - b));
        for (const [row, share] of shares.entries()) {
          const copies = rows.filter((each) => each === row).length;
          expect(Math.abs(copies - shares.length * share)).toBeLessThan(1 + 1e-9);
          if (share === 0) expect(copies).toBe(0);
        }
      }),
      { seed: 1 },
    );
  });

  it('weigh the same again after a draw, and carry what their original carried', () => {
    const particles = weighParticles(startParticles(2, 'difference'), [1, 2], {
      potential: 'difference',
      strength: 3,
      isLast: false,
    });
    expect(drawnParticles(particles, [1, 1])).toEqual([
      { logWeight: 0, carried: 2, spent: 6 },
      { logWeight: 0, carried: 2, spent: 6 },
    ]);
  });
});
