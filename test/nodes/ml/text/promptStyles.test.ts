import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkA1111 } from '../../../../nodes/ml/text/chunkA1111.ts';
import { chunkComfy } from '../../../../nodes/ml/text/chunkComfy.ts';
import { parseA1111 } from '../../../../nodes/ml/text/parseA1111.ts';
import { parseComfy } from '../../../../nodes/ml/text/parseComfy.ts';
import type { Chunk } from '../../../../nodes/ml/text/promptChunk.ts';
import { scheduleA1111, splitAnd } from '../../../../nodes/ml/text/scheduleA1111.ts';

// Whole prompts are compared with both programs by the golden family prompt-weights.

const signs = fc.string({ unit: fc.constantFrom(...'ab ()[]:|\\.123,-AND BREAK'.split('')), maxLength: 60 });
const bounded = { seed: 5, numRuns: 500 };
const textsOf = (parts: readonly { readonly text: string }[]) => parts.map(({ text }) => text).join('');

describe('weights of a prompt', () => {
  it('leave text without signs as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abc ,.'.split('')), minLength: 1 }), (text) => {
        expect(parseComfy(text)).toEqual([{ text, weight: 1 }]);
        expect(parseA1111(text)).toEqual([{ text, weight: 1 }]);
      }),
      bounded,
    );
  });

  it('are finite, and texts lose nothing but signs', () => {
    const letters = (text: string) => text.replaceAll(/[^ab]/g, '');
    fc.assert(
      fc.property(signs, (text) => {
        for (const parts of [parseComfy(text), parseA1111(text)]) {
          expect(parts.every(({ weight }) => Number.isFinite(weight))).toBe(true);
          expect(letters(textsOf(parts))).toBe(letters(text));
        }
      }),
      bounded,
    );
  });

  it('of A1111 that are no number are text, where the program breaks off', () => {
    expect(parseA1111('(x:1.1.1) (y:.)')).toEqual([
      { text: 'x:1.1.1', weight: 1.1 },
      { text: ' ', weight: 1 },
      { text: 'y:.', weight: 1.1 },
    ]);
  });

  it('of ComfyUI are no infinities', () => {
    expect(parseComfy('(x:inf)(y:nan)')).toEqual([
      { text: 'x:inf', weight: 1.1 },
      { text: 'y:nan', weight: 1.1 },
    ]);
  });

  it('take no longer for a prompt made to be slow', () => {
    for (const text of ['('.repeat(50_000), `${'('.repeat(25_000)}x${')'.repeat(25_000)}`, '[a:'.repeat(30_000)]) {
      expect(textsOf(parseComfy(text)).length).toBeGreaterThan(0);
      expect(parseA1111(text).length).toBeGreaterThan(0);
      expect(scheduleA1111(text, 20)).toHaveLength(1);
    }
  });
});

describe('chunks', () => {
  const marks = { start: 1001, end: 1002, pad: 1003 };
  const content = (chunks: readonly Chunk[]) =>
    chunks.flatMap(({ tokens }) => tokens.filter((token) => typeof token !== 'number' || token < 1000));
  const groups = fc.array(fc.array(fc.nat(999), { maxLength: 20 }), { maxLength: 12 });

  it('hold every token once, in order, framed to one length', () => {
    fc.assert(
      fc.property(groups, fc.constantFrom(5, 12, 77), (all, length) => {
        const weighed = all.map((group) => group.map((token) => ({ token, weight: 1 })));
        const pieces = all.map((ids) => ({ ids, weight: 1 }));
        const how = { marks, comma: 7, embeddingAt: () => undefined };
        for (const chunks of [chunkComfy(weighed, length, marks), chunkA1111(pieces, length, how)]) {
          expect(content(chunks)).toEqual(all.flat());
          for (const { tokens, weights } of chunks) {
            expect([tokens.length, weights.length]).toEqual([length, length]);
            expect(tokens[0]).toBe(marks.start);
            expect(tokens).toContain(marks.end);
          }
        }
      }),
      bounded,
    );
  });

  it('of ComfyUI take a short group whole to the next one, and fill up with a group of 8 tokens or more', () => {
    const group = (count: number, token: number) => Array.from({ length: count }, () => ({ token, weight: 1 }));
    const counts = (...sizes: number[]) =>
      chunkComfy(
        sizes.map((size, i) => group(size, i)),
        77,
        marks,
      ).map(({ tokens }) => sizes.map((_, i) => tokens.filter((token) => token === i).length));
    expect(counts(72, 7)).toEqual([
      [72, 0],
      [0, 7],
    ]);
    expect(counts(72, 8)).toEqual([
      [72, 3],
      [0, 5],
    ]);
  });

  it('of A1111 begin anew after the last comma, where one is near', () => {
    const ids = Array.from({ length: 80 }, (_, i) => (i === 60 ? 7 : 100 + i));
    const how = { marks, comma: 7, embeddingAt: () => undefined };
    const [first, second] = chunkA1111([{ ids, weight: 1 }], 77, how);
    expect(first!.tokens.slice(60, 64)).toEqual([159, 7, marks.end, marks.pad]);
    expect(second!.tokens.slice(0, 3)).toEqual([marks.start, 161, 162]);
  });

  it('of A1111 keep an embedding whole', () => {
    const vectors = [new Float32Array(1), new Float32Array(1)];
    const ids = Array.from({ length: 75 }, (_, i) => 100 + i);
    const how = {
      marks,
      comma: undefined,
      embeddingAt: (row: readonly number[], at: number) => (row[at] === 174 ? { vectors, tokens: 1 } : undefined),
    };
    const [first, second] = chunkA1111([{ ids, weight: 1.5 }], 77, how);
    expect(first!.tokens.slice(74)).toEqual([173, marks.end, marks.pad]);
    expect(second!.tokens.slice(0, 4)).toEqual([marks.start, ...vectors, marks.end]);
    expect(second!.weights.slice(0, 4)).toEqual([1, 1.5, 1.5, 1]);
  });
});

describe('prompts that change over the steps', () => {
  it('have a text for each step, and the last is the last step', () => {
    fc.assert(
      fc.property(signs, fc.integer({ min: 1, max: 30 }), (text, steps) => {
        const schedule = scheduleA1111(text, steps);
        const ends = schedule.map(([until]) => until);
        expect(ends.at(-1)).toBe(steps);
        expect(ends).toEqual([...new Set(ends)].sort((a, b) => a - b));
      }),
      bounded,
    );
  });

  it.each([
    ['a | b [c:d:0.5]', 'A bar alone stands in no bracket, so the program reads nothing of it'],
    ['[a:b:c]', 'c is no step'],
    ['[a:b|c:0.5]', 'both signs in one bracket'],
    ['(a]', 'brackets that cross'],
  ])('%s is one text: %s', (text) => {
    expect(scheduleA1111(text, 4)).toEqual([[4, text]]);
  });

  it('are joined by AND with weights', () => {
    expect(splitAnd('a dog AND a cat:0.5 ANDREW')).toEqual([
      { text: 'a dog', weight: 1 },
      { text: ' a cat:0.5 ANDREW', weight: 1 },
    ]);
    expect(splitAnd('x AND y : -1.5 ')).toEqual([
      { text: 'x', weight: 1 },
      { text: ' y', weight: -1.5 },
    ]);
  });
});
