import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../../nodes/ml/random.ts';
import { likelyTokens, pickToken } from '../../../../nodes/ml/text/pickToken.ts';

const logits = Float32Array.of(0.5, 3, -1, 2, 2, -4);
const all = { temperature: 1, topK: 0, topP: 1 };
const idsOf = (settings: Partial<typeof all>) => likelyTokens(logits, { ...all, ...settings }).map(({ id }) => id);

describe('likelyTokens', () => {
  it('gives the softmax, the likeliest first', () => {
    const likely = likelyTokens(logits, all);
    expect(likely.map(({ id }) => id)).toEqual([1, 3, 4, 0, 2, 5]);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    for (const { id, probability } of likely) expect(probability).toBeCloseTo(Math.exp(logits[id]!) / total, 12);
  });

  it('keeps the top k with those as likely as the last, and of these the top p, at least one', () => {
    expect(idsOf({ topK: 1 })).toEqual([1]);
    expect(idsOf({ topK: 2 })).toEqual([1, 3, 4]);
    expect(idsOf({ topK: 100 })).toHaveLength(6);
    expect(idsOf({ topP: 0 })).toEqual([1]);
    const first = likelyTokens(logits, all)[0]!.probability;
    expect(idsOf({ topP: first - 1e-9 })).toEqual([1]);
    expect(idsOf({ topP: first + 1e-9 })).toEqual([1, 3]);
    // top p is of what top k left, and at the temperature that is asked for
    expect(idsOf({ topK: 3, topP: 0.6 })).toEqual([1, 3]);
    expect(idsOf({ topK: 3, topP: 0.6, temperature: 0.5 })).toEqual([1]);
    expect(idsOf({ temperature: 0 })).toEqual([1]);
  });

  it('adds up to 1 for any settings', () => {
    const settings = fc.record({
      temperature: fc.double({ min: 0, max: 5, noNaN: true }),
      topK: fc.nat(20),
      topP: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const numbers = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(numbers, settings, (values, sampling) => {
        const likely = likelyTokens(Float32Array.from(values), sampling);
        expect(likely.length).toBeGreaterThan(0);
        expect(likely.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
        for (const [i, { probability }] of likely.entries())
          expect(probability).toBeLessThanOrEqual(likely[Math.max(0, i - 1)]!.probability);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('refuses logits that are no numbers', () => {
    expect(() => likelyTokens(Float32Array.of(1, Number.NaN), all)).toThrow('gives NaN for a token');
    expect(() => likelyTokens(Float32Array.of(Number.POSITIVE_INFINITY), all)).toThrow('gives Infinity');
  });
});

describe('pickToken', () => {
  it('takes each token as often as it is likely, the same for the same seed', () => {
    const sampling = { temperature: 1.5, topK: 4, topP: 0.95 };
    const draw = (seed: number) => {
      const random = randomStream(seed);
      return Array.from({ length: 20_000 }, () => pickToken(logits, sampling, random));
    };
    const drawn = draw(5);
    expect(draw(5)).toEqual(drawn);
    expect(draw(6)).not.toEqual(drawn);
    const likely = likelyTokens(logits, sampling);
    expect(new Set(drawn)).toEqual(new Set(likely.map(({ id }) => id)));
    for (const { id, probability } of likely)
      expect(Math.abs(drawn.filter((each) => each === id).length / drawn.length - probability)).toBeLessThan(0.015);
  });

  it('takes the likeliest, the first of equals, at temperature 0', () => {
    const random = randomStream(0);
    expect(pickToken(Float32Array.of(1, 7, 7, 2), { temperature: 0, topK: 3, topP: 0.1 }, random)).toBe(1);
    expect(random.uniform()).toBe(randomStream(0).uniform());
  });
});
